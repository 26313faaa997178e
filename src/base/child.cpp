#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "log.h"

namespace upnpd::base {
namespace {

[[noreturn]] void become(const Fd& binary, std::vector<char*>& arguments, const Fd& channel) {
  // The parent's handlers and blocked signals are not the child's.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // Nobody types to a child.
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  const int exe = ::fcntl(binary.get(), F_DUPFD_CLOEXEC, kChannelFd + 1);
  if (channel) {
    // dup2 onto itself would leave close-on-exec set.
    const int moved = ::fcntl(channel.get(), F_DUPFD, kChannelFd + 1);
    ::dup2(moved, kChannelFd);
    ::close(moved);
  }
  ::fexecve(exe, arguments.data(), environ);
  ::_exit(127);
}

}  // namespace

std::expected<Fd, std::string> open_own_binary() {
  Fd binary(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!binary) return std::unexpected(with_errno("cannot open /proc/self/exe", errno));
  return binary;
}

std::expected<pid_t, std::string> start_child(const Fd& binary,
                                              const std::vector<std::string>& arguments,
                                              const Fd& channel) {
  std::vector<char*> words;
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return std::unexpected(with_errno("cannot fork", errno));
  if (pid == 0) become(binary, words, channel);
  return pid;
}

}  // namespace upnpd::base
