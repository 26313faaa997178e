#include "upnpd/port_mapping.h"

#include <strings.h>

#include "upnpd/messages.h"

namespace upnpd {
namespace {

bool can_be_a_host(Ipv4Address address) {
  return !address.is_this_network() && !address.is_loopback() && !address.is_multicast() &&
         !address.is_reserved();
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

struct Utf8Sequence {
  std::size_t length;  // 0: not UTF-8
  std::uint32_t code_point;
};

// The sequence at the start of `text` by RFC 3629: overlong forms and surrogates are refused.
Utf8Sequence first_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > text.size()) return {0, 0};
  std::uint32_t code_point = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return {0, 0};
    code_point = code_point << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (code_point < kSmallest[length] || code_point > 0x10ffff || surrogate) return {0, 0};
  return {length, code_point};
}

// Control characters of C0 and C1, DEL, the two code points that XML 1.0 cannot carry, and what
// would end a line or turn the direction of the text around it.
bool is_control(std::uint32_t code_point) {
  const auto is_in = [=](std::uint32_t first, std::uint32_t last) {
    return first <= code_point && code_point <= last;
  };
  return code_point < 0x20 || is_in(0x7f, 0x9f) || is_in(0xfffe, 0xffff) || is_in(0x2028, 0x202e) ||
         is_in(0x2066, 0x2069);
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::TCP: return "TCP";
    case Protocol::UDP: return "UDP";
  }
  return "";
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (equals_ignoring_case(text, "TCP")) return Protocol::TCP;
  if (equals_ignoring_case(text, "UDP")) return Protocol::UDP;
  return std::nullopt;
}

std::optional<Protocol> parse_protocol(std::uint8_t number) {
  if (number == 6) return Protocol::TCP;
  if (number == 17) return Protocol::UDP;
  return std::nullopt;
}

std::optional<InternalClient> InternalClient::parse(Ipv4Address address) {
  if (!can_be_a_host(address)) return std::nullopt;
  return InternalClient(address);
}

std::optional<RemoteHost> RemoteHost::parse(Ipv4Address address) {
  if (!can_be_a_host(address)) return std::nullopt;
  return RemoteHost(address);
}

std::string RemoteHost::to_string() const {
  return address_ ? address_->to_string() : "";
}

std::optional<LeaseDuration> LeaseDuration::parse(std::uint32_t seconds) {
  if (seconds == 0) return std::nullopt;
  return LeaseDuration(seconds);
}

std::optional<PortMappingDescription> PortMappingDescription::parse(std::string_view text) {
  std::string clean;
  while (!text.empty() && clean.size() <= kMaxBytes) {
    const auto [length, code_point] = first_sequence(text);
    if (length == 0)
      clean += "\xef\xbf\xbd";  // U+FFFD
    else if (is_control(code_point))
      clean += ' ';
    else
      clean += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (clean.size() > kMaxBytes) return std::nullopt;
  return PortMappingDescription(std::move(clean));
}

std::string to_string(const PortMappingKey& key) {
  std::string text =
      std::string(to_string(key.protocol)) + " " + std::to_string(key.external_port.number());
  if (!key.remote_host.is_any()) text += " from " + key.remote_host.to_string();
  return text;
}

bool has_expired(const PortMapping& mapping, BootTime now) {
  return mapping.expires && *mapping.expires <= now;
}

std::uint32_t remaining_seconds(const PortMapping& mapping, BootTime now) {
  if (!mapping.expires) return 0;
  const auto left = std::chrono::ceil<std::chrono::seconds>(*mapping.expires - now).count();
  return left < 0 ? 0 : static_cast<std::uint32_t>(left);
}

std::string_view to_string(ConnectionStatus status) {
  switch (status) {
    case ConnectionStatus::Disconnected: return "Disconnected";
    case ConnectionStatus::Connected: return "Connected";
  }
  return "";
}

}  // namespace upnpd
