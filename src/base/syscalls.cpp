#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

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

#ifdef __s390x__
constexpr unsigned kCloneFlags = 1;
#else
constexpr unsigned kCloneFlags = 0;
#endif

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

// A filter being written. A rule that cannot be added must not be missing silently: the call would
// end the process some day.
class Filter {
 public:
  Filter() : filter_(seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    note(filter_ ? seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1) : -ENOMEM);
  }

  void allow(const char* name) {
    const int number = seccomp_syscall_resolve_name(name);
    if (filter_ && number != __NR_SCMP_ERROR)
      note(seccomp_rule_add(filter_.get(), SCMP_ACT_ALLOW, number, 0));
  }
  template <std::size_t N>
  void allow(const char* const (&names)[N]) {
    for (const char* const name : names)
      allow(name);
  }
  // Lets `number` pass, or answers it with `error`, when its argument number `argument` has these
  // bits under `mask`.
  void allow_if(int number, unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
    add_if(SCMP_ACT_ALLOW, number, argument, mask, bits);
  }
  void refuse_if(int error, int number, unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
    add_if(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), number, argument, mask, bits);
  }
  void refuse(int error, int number) {
    if (filter_)
      note(seccomp_rule_add(filter_.get(), SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)),
                            number, 0));
  }

  std::expected<void, std::string> load() {
    if (error_ == 0) note(seccomp_load(filter_.get()));
    if (error_ == 0) return {};
    return std::unexpected(
        with_errno("no seccomp filter (does the kernel have CONFIG_SECCOMP_FILTER?)", -error_));
  }

 private:
  void add_if(std::uint32_t action, int number, unsigned argument, scmp_datum_t mask,
              scmp_datum_t bits) {
    const scmp_arg_cmp condition{argument, SCMP_CMP_MASKED_EQ, mask, bits};
    if (filter_) note(seccomp_rule_add_array(filter_.get(), action, number, 1, &condition));
  }
  void note(int result) {
    if (error_ == 0 && result < 0) error_ = result;
  }

  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

constexpr scmp_datum_t kWholeInt = 0xffffffff;

}  // namespace

std::expected<void, std::string> restrict_syscalls(SyscallSet set) {
  Filter filter;
  filter.allow(kEverybody);
  filter.refuse(ENOSYS, SCMP_SYS(clone3));
  // syslog(3) tries to come back when its daemon restarts; it cannot, and must not die of it.
  filter.refuse_if(EACCES, SCMP_SYS(socket), 0, kWholeInt, AF_UNIX);
  if (set == SyscallSet::Announcer) {
    filter.allow(kAnnouncer);
    filter.allow_if(SCMP_SYS(socket), 0, kWholeInt, AF_INET);
    filter.allow_if(SCMP_SYS(socket), 0, kWholeInt, AF_INET6);
    filter.allow_if(SCMP_SYS(clone), kCloneFlags, CLONE_THREAD, CLONE_THREAD);
  }
  return filter.load();
}

}  // namespace upnpd::base
