#include "libupnp_sockets.h"

#include <netdb.h>
#include <sys/select.h>

#include <memory>
#include <utility>

#include "clock.h"
#include "guarded_calls.h"
#include "plain_calls.h"
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

int libupnp_listener() {
  const Guard* const guard = the_guard.load();
  return guard == nullptr ? -1 : guard->listener.load();
}

int libupnp_accepted() {
  const Guard* const guard = the_guard.load();
  return guard == nullptr ? -1 : guard->accepted.get();
}

LibupnpProgress libupnp_progress() {
  Guard* const guard = the_guard.load();
  if (guard == nullptr) return {};
  return {guard->accepts, guard->connections.is_any_open(),
          guard->connections.is_any_overdue(base::boot_now())};
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
  if (guard != nullptr && guard->listener < 0 && domain == AF_INET6 && (type & 0xf) == SOCK_STREAM)
    return failed(EAFNOSUPPORT);
  return as_int(::syscall(SYS_socket, domain, type, protocol));
}

int upnpd_bind(int fd, const sockaddr* address, socklen_t length) {
  if (Guard* const guard = the_guard.load()) return guarded_bind(*guard, fd, address, length);
  return real_bind(fd, address, length);
}

int upnpd_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  if (Guard* const guard = the_guard.load())
    if (const auto result = guarded_setsockopt(*guard, fd, level, name)) return *result;
  return real_setsockopt(fd, level, name, value, length);
}

int upnpd_connect(int fd, const sockaddr* address, socklen_t length) {
  if (Guard* const guard = the_guard.load()) return guarded_connect(*guard, fd, address, length);
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
  Guard* const guard = the_guard.load();
  if (guard != nullptr && timeout != nullptr) limit = shortened(*guard, count - 1, limit);
  const int result = as_int(::syscall(UPNPD_PSELECT, count, reads, writes, errors,
                                      timeout == nullptr ? nullptr : &limit, nullptr));
  if (guard != nullptr) guard->connections.resumed(count - 1, base::boot_now());
  return result;
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
  if (Guard* const guard = the_guard.load())
    if (const auto result = guarded_inet_pton(*guard, family, text, address)) return *result;
  return next != nullptr ? next(family, text, address) : 0;
}

}  // extern "C"

}  // namespace upnpd::announcer
