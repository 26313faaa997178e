#include <seccomp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

#include "log.h"
#include "sandbox.h"

namespace upnpd::base {
namespace {

// What a C++ program with an event loop does when it serves nobody. Names, since not every
// architecture has every call: what an architecture lacks is left out.
constexpr const char* kEverybody[] = {
    "accept4",
    "accept",
    "brk",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "close",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "exit",
    "exit_group",
    "fcntl",
    "fcntl64",
    "futex",
    "futex_time64",
    "getpeername",
    "getpid",
    "getppid",
    "getrandom",
    "getsockname",
    "getsockopt",
    "gettid",
    "gettimeofday",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "lseek",
    "madvise",
    "membarrier",
    "mmap",
    "mmap2",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "poll",
    "ppoll",
    "ppoll_time64",
    "pselect6",
    "pselect6_time64",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "select",
    "_newselect",
    "send",
    "sendfile",
    "sendfile64",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "setsockopt",
    "shutdown",
    "sigreturn",
    "sched_yield",
    "time",
    "timerfd_create",
    "timerfd_settime",
    "tgkill",
    "uname",
    "write",
    "writev",
    "ioctl",
    "pipe2",
    "dup",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
};

// What libupnp's threads and its connections to subscribers need besides. clone is there for
// threads; clone3, whose flags a filter cannot see, says that it does not exist, and libc falls
// back to clone.
constexpr const char* kAnnouncer[] = {
    "bind",
    "clone",
    "connect",
    "listen",
    "sched_setscheduler",
    "sched_setparam",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "set_tid_address",
    "getrusage",
    "setpriority",
    "prctl",
    "sysinfo",
};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

void allow(scmp_filter_ctx filter, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number != __NR_SCMP_ERROR) seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

// Sockets of these families alone: AF_UNIX is syslog(3)'s, which reconnects when its daemon
// restarts.
void allow_sockets(scmp_filter_ctx filter) {
  for (const int family : {AF_INET, AF_INET6, AF_UNIX})
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                     SCMP_A0(SCMP_CMP_EQ, scmp_datum_t(family)));
}

}  // namespace

std::expected<void, std::string> restrict_syscalls(SyscallSet set) {
  const Filter filter(seccomp_init(SCMP_ACT_KILL_PROCESS));
  if (!filter) return std::unexpected("seccomp: no memory");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  for (const char* const name : kEverybody)
    allow(filter.get(), name);
  seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  switch (set) {
    case SyscallSet::Service:
      seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                       SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
      allow(filter.get(), "connect");
      break;
    case SyscallSet::Announcer:
      for (const char* const name : kAnnouncer)
        allow(filter.get(), name);
      allow_sockets(filter.get());
      break;
  }
  if (const int error = seccomp_load(filter.get()); error != 0)
    return std::unexpected(
        with_errno("the kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)", -error));
  return {};
}

}  // namespace upnpd::base
