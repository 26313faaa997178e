// A child process: this very binary again, in another role, with one end of a channel. The child
// finds the channel at descriptor kChannelFd.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "fd.h"

namespace upnpd::base {

inline constexpr int kChannelFd = 3;

// Opens the running binary, so that a child is of the same build even after an upgrade on disk.
std::expected<Fd, std::string> open_own_binary();

// Starts `binary` with `arguments` (the first is the process's name) and `channel` at kChannelFd,
// standard output and error inherited, nothing else. `channel` may be empty. The pid is the
// caller's to reap.
std::expected<pid_t, std::string> start_child(const Fd& binary,
                                              const std::vector<std::string>& arguments,
                                              const Fd& channel);

}  // namespace upnpd::base
