#include "lan_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "log.h"

namespace upnpd::gateway {
namespace {

constexpr std::uint16_t kSsdpPort = 1900;
constexpr std::uint32_t kSsdpGroup = 0xeffffffa;  // 239.255.255.250, UDA 1.1 section 1.1.2
constexpr int kBacklog = 128;

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(base::with_errno(what, errno));
}

sockaddr_in socket_address(Ipv4Address address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(address.host_order());
  return result;
}

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool bind_to(int fd, const std::string& interface) {
  return ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                      socklen_t(interface.size() + 1)) == 0;
}

bool bind_to(int fd, Ipv4Address address, std::uint16_t port) {
  const sockaddr_in at = socket_address(address, port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

}  // namespace

std::uint16_t usual_http_port(std::string_view uuid, LanIndex lan) {
  // FNV-1a of the UUID picks one of 1 000 decades below the ephemeral ports; the LAN a pair in it.
  std::uint32_t hash = 2166136261u;
  for (const char c : uuid)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return static_cast<std::uint16_t>(20000 + hash % 1000 * 10 + lan % 5 * 2);
}

std::expected<HttpListener, std::string> open_http_listener(const std::string& interface,
                                                            Ipv4Address address,
                                                            std::uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || !set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return failed("no TCP socket");
  if (!bind_to(fd.get(), interface)) return failed("cannot bind a socket to " + interface);
  if (!bind_to(fd.get(), address, port))
    return failed("cannot listen on " + address.to_string() + " port " + std::to_string(port) +
                  " (http_port)");
  if (::listen(fd.get(), kBacklog) != 0) return failed("cannot listen on " + address.to_string());
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0)
    return failed("no port");
  return HttpListener{std::move(fd), ntohs(bound.sin_port)};
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

}  // namespace upnpd::gateway
