#include "boot_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace upnpd::base {
namespace {

Fd open_timer() {
  Fd fd(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!fd) std::abort();  // no descriptor is left at the start
  return fd;
}

void set(const Fd& fd, std::chrono::milliseconds moment) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(moment);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(seconds.count());
  when.it_value.tv_nsec = static_cast<long>(std::chrono::nanoseconds(moment - seconds).count());
  ::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace

BootTimer::BootTimer(Loop& loop, Function function)
    : fd_(open_timer()),
      function_(std::move(function)),
      watcher_(loop, fd_.get(), Interest::Read, [this] { on_ready(); }) {}

void BootTimer::start(BootTime moment) {
  if (std::exchange(moment_, moment) == moment) return;
  // Zero would stop it.
  set(fd_, std::max(moment.time_since_epoch(), std::chrono::milliseconds(1)));
}

void BootTimer::stop() {
  if (!std::exchange(moment_, std::nullopt)) return;
  set(fd_, std::chrono::milliseconds(0));
}

void BootTimer::on_ready() {
  std::uint64_t expirations = 0;
  // Set anew or stopped since: there is nothing to read.
  if (::read(fd_.get(), &expirations, sizeof expirations) != sizeof expirations) return;
  moment_.reset();
  function_();
}

}  // namespace upnpd::base
