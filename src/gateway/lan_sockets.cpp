#include "lan_sockets.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "log.h"
#include "socket_address.h"
#include "upnpd/fnv1a.h"

namespace upnpd::gateway {
namespace {

constexpr std::uint16_t kSsdpPort = 1900;
constexpr std::uint32_t kSsdpGroup = 0xeffffffa;  // 239.255.255.250, UDA 1.1 section 1.1.2
constexpr int kIpv6MulticastAll = 29;  // IPV6_MULTICAST_ALL, which not every C library names
// Who finds the queue full asks again after a second; a burst of one attacker filled one of 128.
constexpr int kBacklog = 512;

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(base::with_errno(what, errno));
}

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool bind_to(int fd, const std::string& interface) {
  return ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                      socklen_t(interface.size() + 1)) == 0;
}

bool bind_to(int fd, const IpAddress& address, std::uint16_t port) {
  const base::SocketAddress at(address, port);
  return ::bind(fd, at.get(), at.length()) == 0;
}

bool join(int fd, const char* group, unsigned interface_index) {
  ipv6_mreq membership{};
  membership.ipv6mr_interface = interface_index;
  return ::inet_pton(AF_INET6, group, &membership.ipv6mr_multiaddr) == 1 &&
         ::setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof membership) == 0;
}

}  // namespace

std::uint16_t usual_http_port(std::string_view uuid, LanIndex lan) {
  // The UUID picks one of 1 000 decades below the ephemeral ports; the LAN a pair in it.
  Fnv1a hash;
  hash.add(uuid);
  return static_cast<std::uint16_t>(20000 + hash.value() % 1000 * 10 + lan % 5 * 2);
}

std::uint16_t usual_event_port(LanIndex lan) {
  // libupnp takes none below, and the next ones when one is taken.
  constexpr unsigned kFirst = 49152, kApart = 8;
  return static_cast<std::uint16_t>(kFirst + kApart * lan);
}

std::expected<HttpListener, std::string> open_http_listener(const std::string& interface,
                                                            const IpAddress& address,
                                                            std::uint16_t port) {
  const bool is_ipv6 = std::holds_alternative<Ipv6Address>(address);
  base::Fd fd(
      ::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed("no TCP socket");
  if (!bind_to(fd.get(), interface)) return failed("cannot bind a socket to " + interface);
  if (is_ipv6 && !set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) return failed("no IPv6 socket");
  if (!bind_to(fd.get(), address, port))
    return failed("cannot listen on " + to_string(address) + " port " + std::to_string(port) +
                  " (http_port" +
                  (errno == EADDRINUSE ? " may name another, 0 any that is free)" : ")"));
  if (::listen(fd.get(), kBacklog) != 0) return failed("cannot listen on " + to_string(address));
  base::SocketAddress bound;
  socklen_t length = bound.length();
  if (::getsockname(fd.get(), bound.get(), &length) != 0) return failed("no port");
  return HttpListener{std::move(fd), bound.port()};
}

std::expected<base::Fd, std::string> open_search_socket(const std::string& interface,
                                                        Ipv4Address address) {
  base::Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed("no UDP socket");
  if (!bind_to(fd.get(), interface)) return failed("cannot bind a socket to " + interface);
  // Only the groups this socket joined, where it joined them.
  if (!set(fd.get(), IPPROTO_IP, IP_MULTICAST_ALL, 0) ||
      !set(fd.get(), IPPROTO_IP, IP_MULTICAST_TTL, 2))
    return failed("cannot prepare the search socket");
  if (!bind_to(fd.get(), Ipv4Address::from_host_order(INADDR_ANY), kSsdpPort))
    return failed("cannot use UDP port 1900 on " + interface +
                  " (does another SSDP program hold it alone?)");
  ip_mreqn group{};
  group.imr_multiaddr.s_addr = htonl(kSsdpGroup);
  group.imr_address.s_addr = htonl(address.host_order());
  if (::setsockopt(fd.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) != 0 ||
      ::setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group) != 0)
    return failed("cannot join 239.255.255.250 on " + interface);
  return fd;
}

std::expected<base::Fd, std::string> open_ipv6_search_socket(const std::string& interface) {
  base::Fd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed("no UDP socket");
  if (!bind_to(fd.get(), interface)) return failed("cannot bind a socket to " + interface);
  const unsigned index = ::if_nametoindex(interface.c_str());
  if (!set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1) ||
      !set(fd.get(), IPPROTO_IPV6, kIpv6MulticastAll, 0) ||
      !set(fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index)))
    return failed("cannot prepare the IPv6 search socket");
  if (!bind_to(fd.get(), Ipv6Address::from_bytes({}), kSsdpPort))
    return failed("cannot use UDP port 1900 on " + interface +
                  " (does another SSDP program hold it alone?)");
  // UDA 1.1 annex A: link-local and site-local scope. GSSDP searches by a global address in global
  // scope.
  for (const char* const group : {"ff02::c", "ff05::c", "ff0e::c"})
    if (!join(fd.get(), group, index))
      return failed(std::string("cannot join ") + group + " on " + interface);
  return fd;
}

}  // namespace upnpd::gateway
