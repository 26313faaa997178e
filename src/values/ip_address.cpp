#include "upnpd/ip_address.h"

namespace upnpd {

IpFamily family_of(const IpNetwork& network) {
  return std::holds_alternative<Ipv4Network>(network) ? IpFamily::V4 : IpFamily::V6;
}

IpAddress address_of(const IpNetwork& network) {
  return std::visit([](const auto& each) { return IpAddress(each.address()); }, network);
}

bool contains_host(const IpNetwork& network, const IpAddress& address) {
  const auto* const ipv4 = std::get_if<Ipv4Network>(&network);
  const auto* const ipv6 = std::get_if<Ipv6Network>(&network);
  if (const auto* const host = std::get_if<Ipv4Address>(&address))
    return ipv4 != nullptr && ipv4->contains_host(*host);
  return ipv6 != nullptr && ipv6->contains(std::get<Ipv6Address>(address));
}

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
