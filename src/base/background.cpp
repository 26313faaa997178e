#include "background.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "log.h"

namespace upnpd::base {
namespace {

// The start has ended, well or not: after a fault's text, or alone.
constexpr char kEnd = '\0';

// Reads until the start has ended, and ends like it.
[[noreturn]] void wait_for_report(int fd) {
  std::string fault;
  std::array<char, 512> part;
  ssize_t size = 0;
  while ((fault.empty() || fault.back() != kEnd) &&
         ((size = ::read(fd, part.data(), part.size())) > 0 || (size < 0 && errno == EINTR)))
    if (size > 0) fault.append(part.data(), static_cast<std::size_t>(size));
  if (fault.empty() || fault.back() != kEnd)
    fault = "ended while it started; the system's log may say why";
  else
    fault.pop_back();
  if (!fault.empty()) log_error(fault);
  ::_exit(fault.empty() ? EXIT_SUCCESS : EXIT_FAILURE);
}

std::unexpected<std::string> refused() {
  return std::unexpected(with_errno("cannot go into the background", errno));
}

}  // namespace

std::expected<Background, std::string> Background::enter() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refused();
  Fd reader(ends[0]), writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return refused();
  if (child > 0) {
    writer = Fd();
    wait_for_report(reader.get());
  }
  ::setsid();
  Fd null(::open("/dev/null", O_RDWR));
  if (!null || ::chdir("/") != 0) return refused();
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(null.get(), stream) < 0) return refused();
  if (null.get() <= STDERR_FILENO) null.release();
  return Background(std::move(writer));
}

void Background::report(const std::string& fault) {
  const std::string text = fault + kEnd;
  // Who has started it may be gone.
  [[maybe_unused]] const auto written = ::write(starter_.get(), text.data(), text.size());
  starter_ = Fd();
}

}  // namespace upnpd::base
