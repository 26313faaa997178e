// What the calls of libupnp_sockets.h do while the guard is on: lan_guard.h's decisions, carried
// out on sockets. Each function is named after its call.
#pragma once

#include <net/if.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "fd.h"
#include "lan_guard.h"
#include "subscription_quota.h"

namespace upnpd::announcer {

// The guard of this process.
struct Guard {
  explicit Guard(GuardedLan guarded);
  GuardedLan lan_now() {
    const std::lock_guard lock(mutex);
    return lan;
  }
  const int index;
  // libupnp's; from when there is one, libupnp has been started, and a socket it makes is for an
  // event.
  std::atomic<int> listener{-1};
  std::atomic<unsigned> accepts{0};  // calls, whatever they returned
  const base::Fd accepted{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // rung with each connection
  // To ask the kernel for neighbours by.
  const base::Fd neighbours;
  Connections connections;
  std::mutex mutex;  // of what follows
  GuardedLan lan;
  SubscriptionQuota subscriptions;  // of a host's programs together
  BootTime last_subscription{};
};

// Set once and never freed: libupnp's threads use it until the process ends.
inline std::atomic<Guard*> the_guard{nullptr};
// This thread fetches a description.
inline thread_local bool downloading = false;

int guarded_bind(Guard& guard, int fd, const sockaddr* address, socklen_t length);
int guarded_connect(Guard& guard, int fd, const sockaddr* address, socklen_t length);
int guarded_accept(Guard& guard, int listener, sockaddr* address, socklen_t* length);
// While there is a guard; of the type that base/recv_call.h takes.
ssize_t guarded_recv(int fd, void* buffer, std::size_t size, int flags);
// No value: not an option the guard has an opinion of.
std::optional<int> guarded_setsockopt(Guard& guard, int fd, int level, int name);
// No value: not for a request.
std::optional<int> guarded_inet_pton(Guard& guard, int family, const char* text, void* address);

// As the kernel has it, whatever time_t is.
struct KernelTime {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

// How long a select(2) may wait that was given `limit`. libupnp waits for one connection at a time,
// so `fd`, the highest descriptor, is the connection's.
KernelTime shortened(Guard& guard, int fd, KernelTime limit);

}  // namespace upnpd::announcer
