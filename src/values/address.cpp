#include "upnpd/address.h"

#include <arpa/inet.h>
#include <algorithm>

#include <charconv>
#include <cstdio>

namespace upnpd {
namespace {

constexpr std::uint32_t prefix_mask(unsigned length) {
  return length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
}

std::optional<unsigned> prefix_of(std::string_view text) {
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error == std::errc() && end == text.data() + text.size() && length <= 32) return length;
  const auto mask = Ipv4Address::parse(text);
  if (!mask) return std::nullopt;
  for (length = 0; length <= 32; ++length)
    if (prefix_mask(length) == mask->host_order()) return length;
  return std::nullopt;
}

}  // namespace

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view literal) {
  // inet_pton needs a terminated string; no literal is longer than this.
  char text[INET_ADDRSTRLEN] = {};
  if (literal.size() >= sizeof text) return std::nullopt;
  literal.copy(text, literal.size());
  if (literal.find('\0') != std::string_view::npos) return std::nullopt;
  in_addr address{};
  if (::inet_pton(AF_INET, text, &address) != 1) return std::nullopt;
  return from_host_order(ntohl(address.s_addr));
}

std::string Ipv4Address::to_string() const {
  char text[INET_ADDRSTRLEN] = {};
  const in_addr address{htonl(value_)};
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

bool Ipv4Address::is_private() const {
  return (value_ >> 24) == 10 || (value_ >> 20) == 0xac1 || (value_ >> 16) == 0xc0a8;
}

bool Ipv4Address::is_documentation() const {
  const std::uint32_t network = value_ >> 8;
  return network == 0xc00002 || network == 0xc63364 || network == 0xcb0071;
}

std::optional<Ipv4Network> Ipv4Network::make(Ipv4Address address, unsigned prefix_length) {
  if (prefix_length > 32) return std::nullopt;
  return Ipv4Network(address, prefix_length);
}

std::optional<Ipv4Network> Ipv4Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Ipv4Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return make(*address, 32);
  const auto length = prefix_of(text.substr(slash + 1));
  if (!length) return std::nullopt;
  return make(*address, *length);
}

Ipv4Address Ipv4Network::first() const {
  return Ipv4Address::from_host_order(address_.host_order() & prefix_mask(prefix_length_));
}

Ipv4Address Ipv4Network::last() const {
  return Ipv4Address::from_host_order(address_.host_order() | ~prefix_mask(prefix_length_));
}

bool Ipv4Network::contains(Ipv4Address address) const {
  return ((address.host_order() ^ address_.host_order()) & prefix_mask(prefix_length_)) == 0;
}

bool Ipv4Network::contains_host(Ipv4Address address) const {
  // RFC 3021: a /31 has neither network nor broadcast address.
  return contains(address) && (prefix_length_ >= 31 || (address != first() && address != last()));
}

std::string Ipv4Network::to_string() const {
  return address_.to_string() + "/" + std::to_string(prefix_length_);
}

bool any_contains_host(std::span<const Ipv4Network> networks, Ipv4Address address) {
  return std::ranges::any_of(networks,
                             [&](const Ipv4Network& n) { return n.contains_host(address); });
}

std::string to_string(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

}  // namespace upnpd
