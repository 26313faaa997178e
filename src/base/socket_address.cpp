#include "socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

namespace upnpd::base {
namespace {

Ipv4Address ipv4_from(const std::uint8_t* bytes) {
  std::uint32_t network_order = 0;
  std::memcpy(&network_order, bytes, sizeof network_order);
  return Ipv4Address::from_host_order(ntohl(network_order));
}

}  // namespace

SocketAddress::SocketAddress(const IpAddress& address, std::uint16_t port, unsigned scope) {
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address)) {
    auto& target = reinterpret_cast<sockaddr_in&>(storage_);
    target.sin_family = AF_INET;
    target.sin_port = htons(port);
    target.sin_addr.s_addr = htonl(ipv4->host_order());
    return;
  }
  const Ipv6Address& ipv6 = std::get<Ipv6Address>(address);
  auto& target = reinterpret_cast<sockaddr_in6&>(storage_);
  target.sin6_family = AF_INET6;
  target.sin6_port = htons(port);
  target.sin6_scope_id = scope;
  std::memcpy(&target.sin6_addr, ipv6.bytes().data(), ipv6.bytes().size());
}

socklen_t SocketAddress::length() const {
  if (storage_.ss_family == AF_INET) return sizeof(sockaddr_in);
  return storage_.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof storage_;
}

std::optional<IpAddress> SocketAddress::address() const {
  return address_from(*get());
}

std::uint16_t SocketAddress::port() const {
  // Both families have it in the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
}

std::optional<IpAddress> address_from(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    return Ipv4Address::from_host_order(ntohl(ipv4.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  Ipv6Address::Bytes bytes;
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr,
              bytes.size());
  const auto ipv6 = Ipv6Address::from_bytes(bytes);
  if (ipv6.is_ipv4_mapped()) return ipv4_from(&bytes[12]);
  return ipv6;
}

}  // namespace upnpd::base
