// Each case is tried in a process of its own, which may be ended by what it tries.
#include "sandbox.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

using namespace upnpd::base;

namespace {

// The wait status of a process that does this and, if it still can, ends with what this returns.
int status_of(const std::function<int()>& action) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(action());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

bool was_killed_by_seccomp(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

struct Call {
  const char* name;
  std::function<long()> make;
};

const Call kDeadly[] = {
    {"exec",
     [] {
       const char* const arguments[] = {"true", nullptr};
       return ::syscall(SYS_execve, "/bin/true", arguments, nullptr);
     }},
    {"fork", [] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0); }},
    {"netlink", [] { return long{::socket(AF_NETLINK, SOCK_RAW, 0)}; }},
    {"packet socket", [] { return long{::socket(AF_PACKET, SOCK_RAW, 0)}; }},
    {"ptrace", [] { return ::syscall(SYS_ptrace, PTRACE_ATTACH, 1, nullptr, nullptr); }},
    {"kill", [] { return ::syscall(SYS_kill, ::getppid(), SIGCONT); }},
    {"setuid", [] { return ::syscall(SYS_setuid, 0); }},
    {"chroot", [] { return ::syscall(SYS_chroot, "/"); }},
    {"mount", [] { return ::syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr); }},
    {"unshare", [] { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
    {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"process_vm_writev",
     [] { return ::syscall(SYS_process_vm_writev, 1, nullptr, 0, nullptr, 0, 0); }},
#ifndef UPNPD_SANITIZED  // the sanitizers' library makes these
    {"open", [] { return ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"create", [] { return ::syscall(SYS_openat, AT_FDCWD, "/x", O_CREAT | O_WRONLY, 0600); }},
    {"prlimit", [] { return ::syscall(SYS_prlimit64, 0, 0, nullptr, nullptr); }},
#endif
};

// What the service has no use for, and the announcer has.
const Call kAnnouncersAlone[] = {
    {"TCP socket", [] { return long{::socket(AF_INET, SOCK_STREAM, 0)}; }},
    {"listen", [] { return ::syscall(SYS_listen, 0, 1); }},
};

int after(SyscallSet set, const Call& call) {
  return status_of([&] {
    if (!restrict_syscalls(set)) return 2;
    call.make();
    return 0;
  });
}

const Call kForbiddenToTheGateway[] = {
    {"ptrace", [] { return ::syscall(SYS_ptrace, PTRACE_ATTACH, ::getppid(), nullptr, nullptr); }},
    {"user namespace", [] { return ::syscall(SYS_unshare, CLONE_NEWUSER); }},
    {"clone into a network namespace",
     [] {
       const long pid = ::syscall(SYS_clone, SIGCHLD | CLONE_NEWNET, nullptr, nullptr, nullptr, 0);
       if (pid == 0) ::_exit(0);
       return pid;
     }},
    {"setns", [] { return ::syscall(SYS_setns, 0, 0); }},
    {"mount", [] { return ::syscall(SYS_mount, "none", "/none", "tmpfs", 0, nullptr); }},
    {"module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
    {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
    {"process_vm_readv",
     [] { return ::syscall(SYS_process_vm_readv, 1, nullptr, 0, nullptr, 0, 0); }},
    {"reboot", [] { return ::syscall(SYS_reboot, 0, 0, 0, nullptr); }},
};

}  // namespace

TEST_SUITE("sandbox") {
  TEST_CASE("a call that a child has no use for ends it") {
    for (const SyscallSet set : {SyscallSet::Service, SyscallSet::Announcer})
      for (const Call& call : kDeadly) {
        CAPTURE(call.name);
        CHECK(was_killed_by_seccomp(after(set, call)));
      }
  }

  TEST_CASE("the service makes no sockets, the announcer does") {
    for (const Call& call : kAnnouncersAlone) {
      CAPTURE(call.name);
      CHECK(was_killed_by_seccomp(after(SyscallSet::Service, call)));
      CHECK(after(SyscallSet::Announcer, call) == 0);
    }
  }

  TEST_CASE("a dead syslog and a clone3 are answered, not punished") {
    const int status = status_of([] {
      if (!restrict_syscalls(SyscallSet::Service)) return 2;
      if (::socket(AF_UNIX, SOCK_DGRAM, 0) != -1 || errno != EACCES) return 3;
      if (::syscall(SYS_connect, 0, nullptr, 0) != -1 || errno != EACCES) return 4;
      if (::syscall(SYS_clone3, nullptr, 0) != -1 || errno != ENOSYS) return 5;
      return 0;
    });
    CHECK(status == 0);
  }

  TEST_CASE("a child cannot widen its filter again") {
    const int status = status_of([] {
      if (!restrict_syscalls(SyscallSet::Service)) return 2;
      static_cast<void>(restrict_syscalls(SyscallSet::Announcer));
      return 0;
    });
    CHECK(was_killed_by_seccomp(status));
  }

  // As not root, loading a filter without no_new_privs is not possible.
  TEST_CASE("what no process of upnpd does is forbidden to the gateway" *
            doctest::skip(::geteuid() != 0)) {
    for (const Call& call : kForbiddenToTheGateway) {
      CAPTURE(call.name);
      const int status = status_of([&] {
        if (!forbid_needless_syscalls()) return 2;
        return call.make() == -1 && errno == EPERM ? 0 : 1;
      });
      CHECK(status == 0);
    }
  }

  TEST_CASE("the gateway has no sockets but those of its four families" *
            doctest::skip(::geteuid() != 0)) {
    const int status = status_of([] {
      if (!forbid_needless_syscalls()) return 2;
      for (int family = 0; family < 64; ++family) {
        const bool wanted =
            family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        const int fd = ::socket(family, family == AF_NETLINK ? SOCK_RAW : SOCK_DGRAM, 0);
        if (wanted ? fd < 0 : fd >= 0 || errno != EAFNOSUPPORT) return 1;
        ::close(fd);
      }
      return 0;
    });
    CHECK(status == 0);
  }

  TEST_CASE("the gateway's filter leaves its children their way down" *
            doctest::skip(::geteuid() != 0)) {
    const int status = status_of([] {
      if (!forbid_needless_syscalls()) return 2;
      if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0) return 3;
      const pid_t child = ::fork();
      if (child == 0) {
        if (::chroot("/") != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
        ::_exit(restrict_syscalls(SyscallSet::Service) ? 0 : 1);
      }
      int ended = 1;
      ::waitpid(child, &ended, 0);
      return ended == 0 ? 0 : 4;
    });
    CHECK(status == 0);
  }
}
