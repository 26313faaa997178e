#include "guarded_calls.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <thread>

#include "clock.h"
#include "neighbour_state.h"
#include "plain_calls.h"
#include "recv_call.h"
#include "socket_address.h"
#include "subscribe_head.h"

namespace upnpd::announcer {
namespace {

constexpr in_port_t kSsdpPort = 1900;
constexpr int kMulticastTtl = 2;
// Between a SUBSCRIBE and its first event. GUPnP 1.6 loses the event when it comes before the
// answer to the SUBSCRIBE has been handled.
constexpr std::chrono::milliseconds kFirstEventPause{50};

// The accepted connection this thread has read from last; -1 when it read from another kind.
thread_local int serving = -1;

// An IP address and port, when a socket address is one.
struct Endpoint {
  IpAddress address;
  std::uint16_t port;
};

std::optional<Endpoint> endpoint(const sockaddr* address, socklen_t length) {
  const bool is_ipv4 =
      address != nullptr && length >= sizeof(sockaddr_in) && address->sa_family == AF_INET;
  const bool is_ipv6 =
      address != nullptr && length >= sizeof(sockaddr_in6) && address->sa_family == AF_INET6;
  if (!is_ipv4 && !is_ipv6) return std::nullopt;
  const in_port_t port = is_ipv4 ? reinterpret_cast<const sockaddr_in*>(address)->sin_port
                                 : reinterpret_cast<const sockaddr_in6*>(address)->sin6_port;
  return Endpoint{*base::address_from(*address), ntohs(port)};
}

bool is_loopback(const IpAddress& address) {
  return std::visit([](const auto& each) { return each.is_loopback(); }, address);
}

// Fails where the socket is bound to a device already, which is as good.
void bind_to_lan(const std::string& name, int fd) {
  real_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.c_str(),
                  static_cast<socklen_t>(name.size()));
}

int bind_to(int fd, const IpAddress& address, std::uint16_t port) {
  const base::SocketAddress at(address, port);
  return real_bind(fd, at.get(), at.length());
}

// Takes another port when its own is taken.
int bind_listener(const std::string& interface, int fd, const Endpoint& at) {
  bind_to_lan(interface, fd);
  const int result = bind_to(fd, at.address, at.port);
  if (result == 0 || errno != EADDRINUSE) return result;
  return bind_to(fd, at.address, 0);
}

// Puts a listener for every address of both families in the place of `fd`, which libupnp believes
// to be IPv4's: its own for IPv6 differ from release to release and know the addresses of the start
// alone. False where the kernel has no IPv6.
bool bind_for_both_families(const std::string& interface, int fd, std::uint16_t port) {
  const int both = as_int(::syscall(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (both < 0) return false;
  const int off = 0, on = 1;
  real_setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  real_setsockopt(both, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const Endpoint everywhere{Ipv6Address::from_bytes({}), port};
  const bool bound = bind_listener(interface, both, everywhere) == 0 &&
                     ::fcntl(both, F_SETFL, ::fcntl(fd, F_GETFL)) == 0 &&
                     ::dup3(both, fd, O_CLOEXEC) == fd;
  real_close(both);
  return bound;
}

// Waits for a connection that has been begun; the error it ended with, or 0.
int error_of_connecting(int fd) {
  pollfd writable{fd, POLLOUT, 0};
  if (::poll(&writable, 1, static_cast<int>(Connections::kConnectTime.count())) != 1)
    return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int connect_in_time(int fd, const base::SocketAddress& to) {
  const int flags = ::fcntl(fd, F_GETFL);
  // libupnp built for non-blocking connections waits by itself, with select.
  if ((flags & O_NONBLOCK) != 0) return real_connect(fd, to.get(), to.length());
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  int error = real_connect(fd, to.get(), to.length()) == 0 ? 0 : errno;
  if (error == EINPROGRESS) error = error_of_connecting(fd);
  ::fcntl(fd, F_SETFL, flags);
  return error == 0 ? 0 : failed(error);
}

// Has libupnp's thread wait while a host may not have handled the answer to its SUBSCRIBE yet.
// Other events of that moment wait too: which one is sent cannot be seen here.
void pause_after_subscription(Guard& guard) {
  std::unique_lock lock(guard.mutex);
  const auto passed = base::boot_now() - guard.last_subscription;
  lock.unlock();
  if (passed < kFirstEventPause) std::this_thread::sleep_for(kFirstEventPause - passed);
}

// What `literal` is in the request on `fd`; no value: nothing that it may contain.
std::optional<IpAddress> parsed(Guard& guard, int fd, std::string_view literal) {
  const auto peer = guard.connections.peer(fd);
  if (!peer) return parse_ip_address(literal);
  const auto named = named_by(guard.lan_now(), *peer, literal);
  if (!named || parse_ip_address(literal) != *peer) return named;
  const auto host = guard.connections.host(fd);
  const bool may = guard.connections.may_subscribe(fd, [&] {
    const std::lock_guard lock(guard.mutex);
    guard.last_subscription = base::boot_now();
    return guard.subscriptions.take(*peer, host, base::boot_now());
  });
  return may ? named : std::nullopt;
}

// inet_pton(3) for a request.
int write_parsed(Guard& guard, int fd, int family, std::string_view literal, void* address) {
  const auto named = parsed(guard, fd, literal);
  if (!named) return 0;
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&*named)) {
    if (family != AF_INET) return 0;
    const std::uint32_t network_order = htonl(ipv4->host_order());
    std::memcpy(address, &network_order, sizeof network_order);
    return 1;
  }
  if (family != AF_INET6) return 0;
  const auto& bytes = std::get<Ipv6Address>(*named).bytes();
  std::memcpy(address, bytes.data(), bytes.size());
  return 1;
}

// Where the kernel knows it; of IPv6 neighbours it tells an unprivileged process nothing.
std::optional<MacAddress> host_of(const Guard& guard, const IpAddress& peer) {
  const auto* const ipv4 = std::get_if<Ipv4Address>(&peer);
  return ipv4 == nullptr ? std::nullopt : hardware_address(guard.neighbours.get(), *ipv4);
}

}  // namespace

Guard::Guard(GuardedLan guarded)
    : index(static_cast<int>(::if_nametoindex(guarded.interface.c_str()))),
      neighbours(as_int(::syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
      lan(std::move(guarded)) {
  bind_to_lan(lan.interface, neighbours.get());
}

int guarded_bind(Guard& guard, int fd, const sockaddr* address, socklen_t length) {
  const auto at = endpoint(address, length);
  if (!at) return real_bind(fd, address, length);
  if (at->port == kSsdpPort) return 0;
  if (address->sa_family == AF_INET6 || is_loopback(at->address))
    return real_bind(fd, address, length);
  const std::string interface = guard.lan_now().interface;
  const bool bound =
      bind_for_both_families(interface, fd, at->port) || bind_listener(interface, fd, *at) == 0;
  if (bound) guard.listener = fd;
  return bound ? 0 : -1;
}

int guarded_connect(Guard& guard, int fd, const sockaddr* address, socklen_t length) {
  const auto to = endpoint(address, length);
  if (!to) return real_connect(fd, address, length);
  const Purpose purpose = downloading ? Purpose::Description : Purpose::Callback;
  const GuardedLan lan = guard.lan_now();
  if (!may_connect(lan, purpose, to->address, to->port)) return failed(ECONNREFUSED);
  if (purpose == Purpose::Callback) pause_after_subscription(guard);
  guard.connections.connected(fd, base::boot_now());
  bind_to_lan(lan.interface, fd);
  const int result = connect_in_time(
      fd, base::SocketAddress(to->address, to->port, static_cast<unsigned>(guard.index)));
  guard.connections.resumed(fd, base::boot_now());
  return result;
}

int guarded_accept(Guard& guard, int listener, sockaddr* address, socklen_t* length) {
  sockaddr_storage storage{};
  socklen_t stored = sizeof storage;
  ++guard.accepts;
  const int fd = as_int(::syscall(SYS_accept4, listener, &storage, &stored, 0));
  if (fd < 0) return fd;
  const auto peer = endpoint(reinterpret_cast<const sockaddr*>(&storage), stored);
  if (!peer || !is_on(guard.lan_now(), peer->address) ||
      !guard.connections.accepted(fd, peer->address, base::boot_now(),
                                  host_of(guard, peer->address))) {
    real_close(fd);
    return failed(ECONNABORTED);
  }
  ::eventfd_write(guard.accepted.get(), 1);
  if (address != nullptr && length != nullptr) {
    // To libupnp every peer is an IPv4 one: that is the family our documents are registered for.
    const auto* const ipv4 = std::get_if<Ipv4Address>(&peer->address);
    const base::SocketAddress shown(ipv4 ? *ipv4 : Ipv4Address::from_host_order(0), peer->port);
    std::memcpy(address, shown.get(), std::min(*length, shown.length()));
    *length = shown.length();
  }
  return fd;
}

ssize_t guarded_recv(int fd, void* buffer, std::size_t size, int flags) {
  const ssize_t count = base::real_recv(fd, buffer, size, flags);
  if (count <= 0) return count;
  Connections& connections = the_guard.load()->connections;
  serving = connections.peer(fd) ? fd : -1;
  connections.resumed(fd, base::boot_now());
  if (!connections.received(fd, static_cast<std::size_t>(count))) return failed(ECONNRESET);
  if (serving >= 0 && (flags & MSG_PEEK) == 0)
    hide_callback_without_nt({static_cast<char*>(buffer), static_cast<std::size_t>(count)});
  return count;
}

std::optional<int> guarded_setsockopt(Guard& guard, int fd, int level, int name) {
  if (level == IPPROTO_IPV6 && name == IPV6_JOIN_GROUP) return 0;
  if (level != IPPROTO_IP) return std::nullopt;
  if (name == IP_ADD_MEMBERSHIP) return 0;
  if (name != IP_MULTICAST_IF && name != IP_MULTICAST_TTL) return std::nullopt;
  const GuardedLan lan = guard.lan_now();
  bind_to_lan(lan.interface, fd);
  if (name == IP_MULTICAST_TTL)
    return real_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &kMulticastTtl, sizeof kMulticastTtl);
  ip_mreqn interface {};
  interface.imr_address.s_addr = htonl(lan.network.address().host_order());
  interface.imr_ifindex = guard.index;
  return real_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface);
}

KernelTime shortened(Guard& guard, int fd, KernelTime limit) {
  const auto left = guard.connections.time_left(fd, base::boot_now());
  const std::chrono::nanoseconds asked =
      std::chrono::seconds(limit.seconds) + std::chrono::nanoseconds(limit.nanoseconds);
  if (!left || asked < *left) return limit;
  return {left->count() / 1000, left->count() % 1000 * 1'000'000};
}

std::optional<int> guarded_inet_pton(Guard& guard, int family, const char* text, void* address) {
  if (serving < 0) return std::nullopt;
  // With the thread's request put aside: the guard parses literals itself.
  const int request = std::exchange(serving, -1);
  const int result = write_parsed(guard, request, family, text, address);
  serving = request;
  return result;
}

}  // namespace upnpd::announcer
