#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "log.h"
#include "sandbox.h"
#include "syscall_filter.h"

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
    "getuid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getegid",
    "getegid32",
    "lseek",
    "_llseek",
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
    "recvmmsg",
    "recvmmsg_time64",
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
    "sendmmsg",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "setitimer",
    "setsockopt",
    "shutdown",
    "sigreturn",
    "sched_yield",
    "time",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_settime64",
    "tgkill",
    "uname",
    "write",
    "writev",
    "pipe2",
    "dup",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "tkill",
};

// What libupnp's threads and its connections to subscribers need besides. clone makes threads
// alone; clone3, whose flags a filter cannot see, says that it does not exist, and libc falls back
// to clone.
constexpr const char* kAnnouncer[] = {
    "bind",
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

// What the sanitizers' own library does besides, in their builds alone.
constexpr const char* kSanitizers[] = {
#ifdef UPNPD_SANITIZED
    "fstat",     "getrlimit", "newfstatat", "open",        "openat", "prctl",
    "prlimit64", "readlink",  "readlinkat", "sigaltstack", "statx",
#endif
    "read"};

}  // namespace

std::expected<void, std::string> restrict_syscalls(SyscallSet set) {
  SyscallFilter filter(SCMP_ACT_KILL_PROCESS);
  filter.allow(kEverybody);
  filter.allow(kSanitizers);
  filter.refuse(ENOSYS, "clone3");
  if (set == SyscallSet::Service) filter.refuse(EACCES, "connect");
  if (set == SyscallSet::Announcer) {
    filter.allow(kAnnouncer);
    filter.allow_if(SCMP_SYS(socket), 0, kWholeInt, AF_INET);
    filter.allow_if(SCMP_SYS(socket), 0, kWholeInt, AF_INET6);
    // Whether a host's hardware address is known, and what waits in a socket's buffer; no other
    // request to a device.
    filter.allow_if(SCMP_SYS(ioctl), 1, kWholeInt, SIOCGARP);
    filter.allow_if(SCMP_SYS(ioctl), 1, kWholeInt, SIOCOUTQ);
    filter.allow_if(SCMP_SYS(clone), kCloneFlags, CLONE_THREAD, CLONE_THREAD);
  }
  // syslog(3) tries to come back when its daemon restarts; it cannot, and must not die of it. glibc
  // makes a new socket, musl connects the old one again, as the announcer may.
  filter.refuse_if(EACCES, SCMP_SYS(socket), 0, kWholeInt, AF_UNIX);
  if (const auto loaded = filter.load(); !loaded)
    return std::unexpected(with_errno(
        "no seccomp filter (does the kernel have CONFIG_SECCOMP_FILTER?)", loaded.error()));
  return {};
}

}  // namespace upnpd::base
