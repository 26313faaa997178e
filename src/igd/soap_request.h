// The body of a control request (UDA 1.1 section 3.2.1), read with limits. Elements are told by
// their local names: clients use any prefix, and some none.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upnpd::igd {

// A control request's body is never longer, in bytes.
inline constexpr std::size_t kMaxSoapBody = 16 * 1024;

struct SoapArgument {
  std::string name;
  std::string value;  // without the blanks around it; "" for an empty or nil element
};

struct SoapRequest {
  std::string action;
  std::vector<SoapArgument> arguments;  // as sent, in any order
};

enum class SoapError {
  Malformed,        // no well-formed document within the limits
  NoAction,         // an Envelope's Body with an action in it is missing
  RepeatedArgument  // one argument twice
};

// Reads `body`: UTF-8 with or without a byte order mark, no DTD, at most 64 levels and 512
// elements. Attributes and a Header are passed over; the action is Body's first element.
std::expected<SoapRequest, SoapError> parse_soap_request(std::string_view body);

// The value of `name` in `request`, if it was sent.
std::optional<std::string_view> find_argument(const SoapRequest& request, std::string_view name);

}  // namespace upnpd::igd
