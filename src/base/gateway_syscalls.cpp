// What no process of upnpd ever does, forbidden to all of them. A list of what is forbidden and not
// of what is allowed: the gateway's children inherit it, and go through the dynamic linker, which
// every C library does in its own way, before they have a filter of their own.
#include <linux/sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "log.h"
#include "sandbox.h"
#include "syscall_filter.h"

namespace upnpd::base {
namespace {

constexpr const char* kForbidden[] = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    // namespaces and mounts: a user namespace would give every capability, over much of the kernel
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "move_mount", "fsopen",
    "fsconfig", "fsmount", "fspick", "open_tree", "mount_setattr", "open_by_handle_at",
    "name_to_handle_at", "mknod", "mknodat",
    // the kernel itself
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "add_key", "request_key", "keyctl", "syslog", "iopl", "ioperm",
    "modify_ldt", "personality", "acct", "quotactl", "quotactl_fd", "swapon", "swapoff",
    "nfsservctl", "lookup_dcookie", "vhangup", "uselib", "ustat", "_sysctl",
    // what the machine is called, and what time it is
    "sethostname", "setdomainname", "settimeofday", "stime", "clock_settime", "clock_settime64",
    "adjtimex", "clock_adjtime", "clock_adjtime64"};

constexpr scmp_datum_t kNewNamespaces[] = {CLONE_NEWUSER,  CLONE_NEWNS,  CLONE_NEWPID,
                                           CLONE_NEWNET,   CLONE_NEWIPC, CLONE_NEWUTS,
                                           CLONE_NEWCGROUP};
constexpr std::array kSocketFamilies{AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

}  // namespace

std::expected<void, std::string> forbid_needless_syscalls() {
  SyscallFilter filter(SCMP_ACT_ALLOW);
  filter.leave_no_new_privs_alone();
  for (const char* const name : kForbidden)
    filter.refuse(EPERM, name);
  // A filter cannot see clone3's flags; libc falls back to clone.
  filter.refuse(ENOSYS, "clone3");
  for (const scmp_datum_t flag : kNewNamespaces)
    filter.refuse_if(EPERM, SCMP_SYS(clone), kCloneFlags, flag, flag);
  const int highest = *std::ranges::max_element(kSocketFamilies);
  filter.refuse_above(EAFNOSUPPORT, SCMP_SYS(socket), 0, static_cast<scmp_datum_t>(highest));
  for (int family = 0; family < highest; ++family)
    if (std::ranges::find(kSocketFamilies, family) == kSocketFamilies.end())
      filter.refuse_if(EAFNOSUPPORT, SCMP_SYS(socket), 0, kWholeInt,
                       static_cast<scmp_datum_t>(family));
  if (const auto loaded = filter.load(); !loaded)
    return std::unexpected(
        with_errno("no system call is forbidden to the gateway: that needs CAP_SYS_ADMIN while it "
                   "starts, and CONFIG_SECCOMP_FILTER",
                   loaded.error()));
  return {};
}

}  // namespace upnpd::base
