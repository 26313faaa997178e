#include "libupnp_sockets.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>

#include "address_buckets.h"
#include "clock.h"
#include "recv_call.h"
#include "socket_address.h"

// The names under which libupnp calls select: where time_t was widened, the C library's headers
// give the function a second name.
#if defined(__LP64__)
#define UPNPD_SELECT_NAME "select"
#elif defined(__GLIBC__)
#define UPNPD_SELECT_NAME "__select64"
#else
#define UPNPD_SELECT_NAME "__select_time64"
#endif
#if defined(SYS_pselect6_time64)
#define UPNPD_PSELECT SYS_pselect6_time64
#else
#define UPNPD_PSELECT SYS_pselect6
#endif

namespace upnpd::announcer {
namespace {

constexpr in_port_t kSsdpPort = 1900;
constexpr int kMulticastTtl = 2;
constexpr int kConnectMilliseconds = 2000;
// Between a SUBSCRIBE and its first event. GUPnP 1.6 loses the event when it comes before the
// answer to the SUBSCRIBE has been handled.
constexpr std::chrono::milliseconds kFirstEventPause{50};

struct Guard {
  explicit Guard(GuardedLan guarded)
      : index(static_cast<int>(::if_nametoindex(guarded.interface.c_str()))),
        lan(std::move(guarded)) {}
  GuardedLan lan_now() {
    const std::lock_guard lock(mutex);
    return lan;
  }
  const int index;
  // There is a listener: libupnp has been started, a socket it makes is for an event.
  std::atomic<bool> listens{false};
  Connections connections;
  std::mutex mutex;  // of what follows
  GuardedLan lan;
  // A host's programs together: 24 subscriptions at once, then one a minute.
  AddressBuckets subscriptions{
      {.burst = 24, .per_token = std::chrono::minutes(1), .addresses = 256}};
  BootTime last_subscription{};
};

// Set once and never freed: libupnp's threads use it until the process ends.
std::atomic<Guard*> the_guard{nullptr};
thread_local bool downloading = false;
// The accepted connection this thread has read from last; -1 when it read from another kind.
thread_local int serving = -1;

// The C library's own function of that name, for the two that are no system call.
template <class Function>
Function* next_definition(const char* name) {
  void* const symbol = ::dlsym(RTLD_NEXT, name);
  Function* function = nullptr;
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

// What a system call returned, as the C library's wrapper returns it.
int as_int(long result) {
  return static_cast<int>(result);
}

int real_close(int fd) {
  return as_int(::syscall(SYS_close, fd));
}

int real_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return as_int(::syscall(SYS_setsockopt, fd, level, name, value, length));
}

int real_connect(int fd, const sockaddr* address, socklen_t length) {
  return as_int(::syscall(SYS_connect, fd, address, length));
}

int failed(int error) {
  errno = error;
  return -1;
}

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
  return as_int(::syscall(SYS_bind, fd, at.get(), at.length()));
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
  if (::poll(&writable, 1, kConnectMilliseconds) != 1) return ETIMEDOUT;
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

int guarded_connect(Guard& guard, int fd, const Endpoint& to) {
  const Purpose purpose = downloading ? Purpose::Description : Purpose::Callback;
  const GuardedLan lan = guard.lan_now();
  if (!may_connect(lan, purpose, to.address, to.port)) return failed(ECONNREFUSED);
  if (purpose == Purpose::Callback) pause_after_subscription(guard);
  guard.connections.connected(fd, base::boot_now());
  bind_to_lan(lan.interface, fd);
  return connect_in_time(
      fd, base::SocketAddress(to.address, to.port, static_cast<unsigned>(guard.index)));
}

int guarded_accept(Guard& guard, int listener, sockaddr* address, socklen_t* length) {
  sockaddr_storage storage{};
  socklen_t stored = sizeof storage;
  const int fd = as_int(::syscall(SYS_accept4, listener, &storage, &stored, 0));
  if (fd < 0) return fd;
  const auto peer = endpoint(reinterpret_cast<const sockaddr*>(&storage), stored);
  if (!peer || !is_on(guard.lan_now(), peer->address) ||
      !guard.connections.accepted(fd, peer->address, base::boot_now())) {
    real_close(fd);
    return failed(ECONNABORTED);
  }
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
  if (!connections.received(fd, static_cast<std::size_t>(count))) return failed(ECONNRESET);
  return count;
}

// No value: not an option the guard has an opinion of.
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

// As the kernel has it, whatever time_t is.
struct KernelTime {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

// libupnp waits for one connection at a time, so the highest descriptor is the connection's.
KernelTime shortened(Guard& guard, int fd, KernelTime limit) {
  const auto left = guard.connections.time_left(fd, base::boot_now());
  const std::chrono::nanoseconds asked =
      std::chrono::seconds(limit.seconds) + std::chrono::nanoseconds(limit.nanoseconds);
  if (!left || asked < *left) return limit;
  return {left->count() / 1000, left->count() % 1000 * 1'000'000};
}

// What `literal` is in the request on `fd`; no value: nothing that it may contain.
std::optional<IpAddress> parsed(Guard& guard, int fd, std::string_view literal) {
  const auto peer = guard.connections.peer(fd);
  if (!peer) return parse_ip_address(literal);
  const auto named = named_by(guard.lan_now(), *peer, literal);
  if (!named || parse_ip_address(literal) != *peer) return named;
  const bool may = guard.connections.may_subscribe(fd, [&] {
    const std::lock_guard lock(guard.mutex);
    guard.last_subscription = base::boot_now();
    return guard.subscriptions.take(*peer, base::boot_now());
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

}  // namespace

void guard_libupnp_sockets(GuardedLan lan) {
  the_guard = std::make_unique<Guard>(std::move(lan)).release();
  base::answer_recv_with(&guarded_recv);
}

void set_guarded_ipv6_networks(std::vector<IpNetwork> networks) {
  Guard* const guard = the_guard.load();
  if (guard == nullptr) return;
  const std::lock_guard lock(guard->mutex);
  guard->lan.ipv6_networks = std::move(networks);
}

DescriptionDownload::DescriptionDownload() {
  downloading = true;
}
DescriptionDownload::~DescriptionDownload() {
  downloading = false;
}

// The calls themselves. Each has a name of its own here and the C library's in the symbol table, so
// that the C library's declarations, which differ from one to the other, do not matter.
#define UPNPD_INTERPOSED(name) asm(name) __attribute__((used, visibility("default")))

extern "C" {

int upnpd_socket(int domain, int type, int protocol) UPNPD_INTERPOSED("socket");
int upnpd_bind(int fd, const sockaddr* address, socklen_t length) UPNPD_INTERPOSED("bind");
int upnpd_setsockopt(int fd, int level, int name, const void* value, socklen_t length)
    UPNPD_INTERPOSED("setsockopt");
int upnpd_connect(int fd, const sockaddr* address, socklen_t length) UPNPD_INTERPOSED("connect");
int upnpd_accept(int fd, sockaddr* address, socklen_t* length) UPNPD_INTERPOSED("accept");
int upnpd_close(int fd) UPNPD_INTERPOSED("close");
int upnpd_select(int count, fd_set* reads, fd_set* writes, fd_set* errors, timeval* timeout)
    UPNPD_INTERPOSED(UPNPD_SELECT_NAME);
int upnpd_getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                      addrinfo** result) UPNPD_INTERPOSED("getaddrinfo");
int upnpd_inet_pton(int family, const char* text, void* address) UPNPD_INTERPOSED("inet_pton");

int upnpd_socket(int domain, int type, int protocol) {
  const Guard* const guard = the_guard.load();
  if (guard != nullptr && !guard->listens && domain == AF_INET6 && (type & 0xf) == SOCK_STREAM)
    return failed(EAFNOSUPPORT);
  return as_int(::syscall(SYS_socket, domain, type, protocol));
}

int upnpd_bind(int fd, const sockaddr* address, socklen_t length) {
  Guard* const guard = the_guard.load();
  const auto at = endpoint(address, length);
  if (guard == nullptr || !at) return as_int(::syscall(SYS_bind, fd, address, length));
  if (at->port == kSsdpPort) return 0;
  if (address->sa_family == AF_INET6 || is_loopback(at->address))
    return as_int(::syscall(SYS_bind, fd, address, length));
  const std::string interface = guard->lan_now().interface;
  const bool bound =
      bind_for_both_families(interface, fd, at->port) || bind_listener(interface, fd, *at) == 0;
  if (bound) guard->listens = true;
  return bound ? 0 : -1;
}

int upnpd_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (Guard* const guard = the_guard.load())
    if (const auto result = guarded_setsockopt(*guard, fd, level, name)) return *result;
  return real_setsockopt(fd, level, name, value, length);
}

int upnpd_connect(int fd, const sockaddr* address, socklen_t length) {
  Guard* const guard = the_guard.load();
  if (guard == nullptr || address == nullptr) return real_connect(fd, address, length);
  if (const auto to = endpoint(address, length)) return guarded_connect(*guard, fd, *to);
  return real_connect(fd, address, length);
}

int upnpd_accept(int fd, sockaddr* address, socklen_t* length) {
  if (Guard* const guard = the_guard.load()) return guarded_accept(*guard, fd, address, length);
  return as_int(::syscall(SYS_accept4, fd, address, length, 0));
}

int upnpd_close(int fd) {
  // Before the number is free for the next connection.
  if (Guard* const guard = the_guard.load()) guard->connections.closed(fd);
  return real_close(fd);
}

int upnpd_select(int count, fd_set* reads, fd_set* writes, fd_set* errors, timeval* timeout) {
  KernelTime limit =
      timeout == nullptr ? KernelTime{} : KernelTime{timeout->tv_sec, timeout->tv_usec * 1000L};
  if (Guard* const guard = the_guard.load(); guard != nullptr && timeout != nullptr)
    limit = shortened(*guard, count - 1, limit);
  return as_int(::syscall(UPNPD_PSELECT, count, reads, writes, errors,
                          timeout == nullptr ? nullptr : &limit, nullptr));
}

int upnpd_getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                      addrinfo** result) {
  static auto* const next =
      next_definition<int(const char*, const char*, const addrinfo*, addrinfo**)>("getaddrinfo");
  return the_guard.load() != nullptr || next == nullptr ? EAI_NONAME
                                                        : next(node, service, hints, result);
}

int upnpd_inet_pton(int family, const char* text, void* address) {
  static auto* const next = next_definition<int(int, const char*, void*)>("inet_pton");
  // Asks the guard with the thread's request put aside: it parses literals itself.
  const int request = std::exchange(serving, -1);
  Guard* const guard = the_guard.load();
  const int result = guard == nullptr || request < 0
                         ? (next != nullptr ? next(family, text, address) : 0)
                         : write_parsed(*guard, request, family, text, address);
  serving = request;
  return result;
}

}  // extern "C"

}  // namespace upnpd::announcer
