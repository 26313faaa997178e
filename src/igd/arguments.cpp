#include "arguments.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "xml_text.h"

namespace upnpd::igd {
namespace {

// What an argument that was not sent is taken for, and, for a number or a boolean, an empty one.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kDefaults{{
    {"NewRemoteHost", ""},
    {"NewEnabled", "1"},
    {"NewPortMappingDescription", ""},
    {"NewLeaseDuration", "0"},
}};

std::optional<std::string_view> default_of(std::string_view name) {
  const auto* const found =
      std::ranges::find(kDefaults, name, [](const auto& entry) { return entry.first; });
  if (found == kDefaults.end()) return std::nullopt;
  return found->second;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::expected<std::uint32_t, UpnpError> parse_number(std::string_view text, std::uint32_t largest) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !std::ranges::all_of(text, is_digit))
    return std::unexpected(UpnpError::InvalidArgs);
  std::uint64_t number = 0;
  for (const char digit : text) {
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    if (number > largest) return std::unexpected(UpnpError::ArgumentValueOutOfRange);
  }
  if (is_negative && number != 0) return std::unexpected(UpnpError::ArgumentValueOutOfRange);
  return static_cast<std::uint32_t>(number);
}

std::expected<bool, UpnpError> parse_boolean(std::string_view text) {
  for (const std::string_view yes : {"1", "true", "yes"})
    if (equal_in_any_case(text, yes)) return true;
  for (const std::string_view no : {"0", "false", "no"})
    if (equal_in_any_case(text, no)) return false;
  return std::unexpected(UpnpError::InvalidArgs);
}

bool is_wildcard(std::string_view text) {
  constexpr std::array<std::string_view, 5> kAny{"", "*", "0", "0.0.0.0", "(null)"};
  return std::ranges::find(kAny, text) != kAny.end();
}

AddressArgument parse_address(std::string_view text) {
  if (const auto address = Ipv4Address::parse(text)) return *address;
  return MalformedAddress{};
}

template <class Value>
const Value& as(const auto& value) {
  const Value* const held = std::get_if<Value>(&value);
  if (held == nullptr) std::abort();
  return *held;
}

}  // namespace

std::expected<Arguments::Value, UpnpError> Arguments::parse_value(DataType type,
                                                                  std::string_view text) {
  switch (type) {
    case DataType::String: return std::string(text);
    case DataType::Ui2: {
      const auto number = parse_number(text, std::numeric_limits<std::uint16_t>::max());
      if (!number) return std::unexpected(number.error());
      return static_cast<std::uint16_t>(*number);
    }
    case DataType::Ui4: {
      const auto number = parse_number(text, std::numeric_limits<std::uint32_t>::max());
      if (!number) return std::unexpected(number.error());
      return *number;
    }
    case DataType::Boolean: {
      const auto boolean = parse_boolean(text);
      if (!boolean) return std::unexpected(boolean.error());
      return *boolean;
    }
  }
  std::abort();
}

std::expected<Arguments, UpnpError> Arguments::check(const ScpdAction& action,
                                                     const SoapRequest& request) {
  Arguments arguments;
  for (const ScpdArgument& argument : action.in) {
    auto text = find_argument(request, argument.name);
    const bool is_absent = !text || (text->empty() && argument.type != DataType::String);
    if (is_absent) text = default_of(argument.name);
    if (!text) return std::unexpected(UpnpError::InvalidArgs);
    auto value = parse_value(argument.type, *text);
    if (!value) return std::unexpected(value.error());
    arguments.values_.emplace(argument.name, *std::move(value));
  }
  return arguments;
}

const Arguments::Value& Arguments::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) std::abort();
  return found->second;
}

std::uint16_t Arguments::ui2(std::string_view name) const {
  return as<std::uint16_t>(at(name));
}
std::uint32_t Arguments::ui4(std::string_view name) const {
  return as<std::uint32_t>(at(name));
}
bool Arguments::boolean(std::string_view name) const {
  return as<bool>(at(name));
}
const std::string& Arguments::text(std::string_view name) const {
  return as<std::string>(at(name));
}

AddressArgument parse_remote_host(std::string_view text) {
  if (is_wildcard(text)) return NoAddress{};
  return parse_address(text);
}

Ipv6AddressArgument parse_pinhole_host(std::string_view text) {
  if (is_wildcard(text) || text == "::") return NoAddress{};
  if (const auto address = Ipv6Address::parse(text)) return *address;
  return MalformedAddress{};
}

ProtocolArgument parse_protocol_argument(std::string_view text) {
  if (text.empty()) return NoProtocol{};
  if (const auto protocol = parse_protocol(text)) return *protocol;
  return UnknownProtocol{};
}

AddressArgument parse_internal_client(std::string_view text) {
  if (text.empty()) return NoAddress{};
  return parse_address(text);
}

}  // namespace upnpd::igd
