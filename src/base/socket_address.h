// Addresses as sockets have them.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "upnpd/ip_address.h"

namespace upnpd::base {

// A socket address of either family, for calls that take one.
class SocketAddress {
 public:
  SocketAddress() = default;
  // `scope` is the link of a link-local address, by its interface's index.
  SocketAddress(const IpAddress& address, std::uint16_t port, unsigned scope = 0);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t length() const;

  // No value for another family than IPv4's and IPv6's.
  std::optional<IpAddress> address() const;
  std::uint16_t port() const;

 private:
  sockaddr_storage storage_{};
};

// The address in a socket address, which is as long as its family says. An IPv4 address mapped into
// IPv6 is the IPv4 address.
std::optional<IpAddress> address_from(const sockaddr& address);

}  // namespace upnpd::base
