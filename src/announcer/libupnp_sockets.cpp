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
      : lan(std::move(guarded)), index(static_cast<int>(::if_nametoindex(lan.interface.c_str()))) {}
  const GuardedLan lan;
  const int index;
  Connections connections;
  std::mutex mutex;  // of what follows
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

// `address` when it is an IPv4 socket address.
const sockaddr_in* ipv4(const sockaddr* address, socklen_t length) {
  if (address == nullptr || length < sizeof(sockaddr_in) || address->sa_family != AF_INET)
    return nullptr;
  return reinterpret_cast<const sockaddr_in*>(address);
}

Ipv4Address address_of(const sockaddr_in& address) {
  return Ipv4Address::from_host_order(ntohl(address.sin_addr.s_addr));
}

bool is_ssdp_port(const sockaddr* address, socklen_t length) {
  if (const sockaddr_in* const v4 = ipv4(address, length)) return ntohs(v4->sin_port) == kSsdpPort;
  if (address == nullptr || length < sizeof(sockaddr_in6) || address->sa_family != AF_INET6)
    return false;
  return ntohs(reinterpret_cast<const sockaddr_in6*>(address)->sin6_port) == kSsdpPort;
}

// Fails where the socket is bound to a device already, which is as good.
void bind_to_lan(const Guard& guard, int fd) {
  const std::string& name = guard.lan.interface;
  real_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.c_str(),
                  static_cast<socklen_t>(name.size()));
}

int bind_listener(const Guard& guard, int fd, const sockaddr_in& address) {
  bind_to_lan(guard, fd);
  const int result = as_int(::syscall(SYS_bind, fd, &address, sizeof address));
  if (result == 0 || errno != EADDRINUSE) return result;
  sockaddr_in any_port = address;
  any_port.sin_port = 0;
  return as_int(::syscall(SYS_bind, fd, &any_port, sizeof any_port));
}

// Waits for a connection that has been begun; the error it ended with, or 0.
int error_of_connecting(int fd) {
  pollfd writable{fd, POLLOUT, 0};
  if (::poll(&writable, 1, kConnectMilliseconds) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int connect_in_time(int fd, const sockaddr_in& to) {
  const auto* const address = reinterpret_cast<const sockaddr*>(&to);
  const int flags = ::fcntl(fd, F_GETFL);
  // libupnp built for non-blocking connections waits by itself, with select.
  if ((flags & O_NONBLOCK) != 0) return real_connect(fd, address, sizeof to);
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  int error = real_connect(fd, address, sizeof to) == 0 ? 0 : errno;
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

int guarded_connect(Guard& guard, int fd, const sockaddr_in& to) {
  const Purpose purpose = downloading ? Purpose::Description : Purpose::Callback;
  if (!may_connect(guard.lan, purpose, address_of(to), ntohs(to.sin_port)))
    return failed(ECONNREFUSED);
  if (purpose == Purpose::Callback) pause_after_subscription(guard);
  guard.connections.connected(fd, base::boot_now());
  bind_to_lan(guard, fd);
  return connect_in_time(fd, to);
}

int guarded_accept(Guard& guard, int listener, sockaddr* address, socklen_t* length) {
  sockaddr_storage storage{};
  socklen_t stored = sizeof storage;
  const int fd = as_int(::syscall(SYS_accept4, listener, &storage, &stored, 0));
  if (fd < 0) return fd;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&storage);
  const sockaddr_in* const peer = ipv4(generic, stored);
  if (peer == nullptr || !guard.lan.network.contains_host(address_of(*peer)) ||
      !guard.connections.accepted(fd, address_of(*peer), base::boot_now())) {
    real_close(fd);
    return failed(ECONNABORTED);
  }
  if (address != nullptr && length != nullptr) {
    std::memcpy(address, &storage, std::min(*length, stored));
    *length = stored;
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
std::optional<int> guarded_setsockopt(const Guard& guard, int fd, int level, int name) {
  if (level == IPPROTO_IPV6 && name == IPV6_JOIN_GROUP) return 0;
  if (level != IPPROTO_IP) return std::nullopt;
  if (name == IP_ADD_MEMBERSHIP) return 0;
  if (name != IP_MULTICAST_IF && name != IP_MULTICAST_TTL) return std::nullopt;
  bind_to_lan(guard, fd);
  if (name == IP_MULTICAST_TTL)
    return real_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &kMulticastTtl, sizeof kMulticastTtl);
  ip_mreqn interface {};
  interface.imr_address.s_addr = htonl(guard.lan.network.address().host_order());
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

bool may_parse(Guard& guard, int fd, std::string_view literal) {
  const auto peer = guard.connections.peer(fd);
  if (!peer) return true;
  if (!may_name(guard.lan, *peer, literal)) return false;
  if (Ipv4Address::parse(literal) != peer) return true;
  return guard.connections.may_subscribe(fd, [&] {
    const std::lock_guard lock(guard.mutex);
    guard.last_subscription = base::boot_now();
    return guard.subscriptions.take(*peer, base::boot_now());
  });
}

}  // namespace

void guard_libupnp_sockets(GuardedLan lan) {
  the_guard = std::make_unique<Guard>(std::move(lan)).release();
  base::answer_recv_with(&guarded_recv);
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
  if (the_guard.load() != nullptr && domain == AF_INET6 && (type & 0xf) == SOCK_STREAM)
    return failed(EAFNOSUPPORT);
  return as_int(::syscall(SYS_socket, domain, type, protocol));
}

int upnpd_bind(int fd, const sockaddr* address, socklen_t length) {
  if (const Guard* const guard = the_guard.load()) {
    if (is_ssdp_port(address, length)) return 0;
    const sockaddr_in* const v4 = ipv4(address, length);
    if (v4 != nullptr && !address_of(*v4).is_loopback()) return bind_listener(*guard, fd, *v4);
  }
  return as_int(::syscall(SYS_bind, fd, address, length));
}

int upnpd_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (const Guard* const guard = the_guard.load())
    if (const auto result = guarded_setsockopt(*guard, fd, level, name)) return *result;
  return real_setsockopt(fd, level, name, value, length);
}

int upnpd_connect(int fd, const sockaddr* address, socklen_t length) {
  Guard* const guard = the_guard.load();
  if (guard == nullptr || address == nullptr) return real_connect(fd, address, length);
  if (const sockaddr_in* const v4 = ipv4(address, length)) return guarded_connect(*guard, fd, *v4);
  if (address->sa_family == AF_INET6) return failed(ECONNREFUSED);
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
  const bool may = guard == nullptr || request < 0 || may_parse(*guard, request, text);
  serving = request;
  return may && next != nullptr ? next(family, text, address) : 0;
}

}  // extern "C"

}  // namespace upnpd::announcer
