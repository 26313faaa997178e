#include "upnpd/ip_address.h"

namespace upnpd {

std::optional<IpAddress> parse_ip_address(std::string_view literal) {
  if (const auto ipv4 = Ipv4Address::parse(literal)) return *ipv4;
  if (const auto ipv6 = Ipv6Address::parse(literal)) return *ipv6;
  return std::nullopt;
}

std::string to_string(const IpAddress& address) {
  return std::visit([](const auto& each) { return each.to_string(); }, address);
}

std::string url_host(const IpAddress& address) {
  const std::string literal = to_string(address);
  return std::holds_alternative<Ipv6Address>(address) ? "[" + literal + "]" : literal;
}

}  // namespace upnpd
