// The documents a control request is answered with (UDA 1.1 sections 3.2.2 and 3.2.5). All text is
// escaped here; whatever the values hold, the document is well-formed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "upnpd/error.h"

namespace upnpd::igd {

// Names and values in the order in which they are written.
using SoapValues = std::vector<std::pair<std::string, std::string>>;

// The response to `action` of service `urn`, which is repeated as the caller wrote it.
std::string write_soap_reply(std::string_view urn, std::string_view action,
                             const SoapValues& values);

// What stands before and after the text of `name`, the one out-argument of `action`, in the
// response: for a long value, which then is written escaped, part by part.
struct SoapReplyEnds {
  std::string before;
  std::string after;
};
SoapReplyEnds soap_reply_ends(std::string_view urn, std::string_view action, std::string_view name);

// A fault with `error`'s code and name, to be sent with HTTP status 500.
std::string write_soap_fault(UpnpError error);

// The response to QueryStateVariable (UDA 1.0 section 3.3).
std::string write_query_reply(std::string_view value);

}  // namespace upnpd::igd
