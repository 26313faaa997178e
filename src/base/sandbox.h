// The walls round a child process, put up before it reads its first byte from the LAN: no file, no
// other user's rights, no capability, no new privileges, bounded memory and descriptors, and only
// the system calls its work needs. Two steps, since libupnp must look at the interfaces in between.
#pragma once

#include <sys/resource.h>

#include <expected>
#include <string>

namespace upnpd::base {

struct SandboxSettings {
  std::string user;        // whose rights to take, when the process is root
  std::string empty_root;  // a directory without entries, to be the root directory
  rlim_t address_space;    // bytes
  rlim_t open_files;
};

// First step: limits, root directory, user, capabilities, no_new_privs. An error is one line that
// says what is missing; nothing may be served then. A process that was not root stays who it is.
std::expected<void, std::string> drop_privileges(const SandboxSettings& settings);

// What a process keeps doing after the second step.
enum class SyscallSet {
  Service,    // accept on the sockets it was handed
  Announcer,  // make sockets and threads: libupnp's
};

// Second step: from now on any other system call ends the process, in all its threads.
std::expected<void, std::string> restrict_syscalls(SyscallSet set);

// The gateway's first step, which its children inherit: no process of upnpd traces another, makes a
// namespace, mounts, loads a module or a BPF program; such calls fail with EPERM from now on. It is
// loaded without no_new_privs, which would keep the children from changing their user, and so needs
// CAP_SYS_ADMIN. An error is one line.
std::expected<void, std::string> forbid_needless_syscalls();

// Whether this process has what a gateway needs for itself and, when it is root, leaves to its
// children. An error is one line that names what is missing and what to do. Asked before anything
// is made.
std::expected<void, std::string> check_gateway_rights();

// The gateway's own step: CAP_NET_ADMIN and nothing else in effect. What its children need on their
// way down (user, root directory) stays in the bounding set: it comes with a re-execution alone.
std::expected<void, std::string> keep_only_net_admin();

}  // namespace upnpd::base
