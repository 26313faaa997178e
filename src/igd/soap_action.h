// The SOAPACTION header (UDA 1.1 section 3.2.1), as the clients in the wild write it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upnpd::igd {

struct SoapAction {
  std::string urn;     // of the service, with its version
  std::string action;  // the action's name
};

// Takes "URN#Action" in double quotes, in single quotes, with a stray quote at one end, or bare,
// with blanks around either part. No value when a part is missing or holds any other character
// than a URN's or a name's.
std::optional<SoapAction> parse_soap_action(std::string_view header);

}  // namespace upnpd::igd
