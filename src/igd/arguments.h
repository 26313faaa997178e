// The arguments of a control request, checked against the service's description: each is there,
// numbers and booleans are what they should be. What the values mean is the gateway's question.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "scpd.h"
#include "soap_request.h"
#include "upnpd/error.h"
#include "upnpd/messages.h"

namespace upnpd::igd {

class Arguments {
 public:
  // Reads all in-arguments of `action` from `request`, by name; others are ignored. An error is
  // InvalidArgs (missing, or not of the type) or ArgumentValueOutOfRange (a number too large).
  // Real clients leave out RemoteHost, Enabled, PortMappingDescription and LeaseDuration: these
  // then are any, true, "" and 0.
  static std::expected<Arguments, UpnpError> check(const ScpdAction& action,
                                                   const SoapRequest& request);

  // The value of an in-argument of the action checked, of the type its description says: asking
  // for another name or type is a bug.
  std::uint16_t ui2(std::string_view name) const;
  std::uint32_t ui4(std::string_view name) const;
  bool boolean(std::string_view name) const;
  const std::string& text(std::string_view name) const;

 private:
  using Value = std::variant<std::string, std::uint16_t, std::uint32_t, bool>;
  static std::expected<Value, UpnpError> parse_value(DataType type, std::string_view text);
  const Value& at(std::string_view name) const;
  std::map<std::string, Value, std::less<>> values_;
};

// RemoteHost as clients write it: "", "*", "0", "0.0.0.0" and "(null)" all mean any.
AddressArgument parse_remote_host(std::string_view text);

// RemoteHost or InternalClient of a pinhole: the same wildcards, and "::".
Ipv6AddressArgument parse_pinhole_host(std::string_view text);

// Protocol as clients write it, in any case.
ProtocolArgument parse_protocol_argument(std::string_view text);

// InternalClient as clients write it: "" is left to the gateway.
AddressArgument parse_internal_client(std::string_view text);

}  // namespace upnpd::igd
