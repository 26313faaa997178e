// A timer on CLOCK_BOOTTIME, for what must happen at a moment of that clock even if the router has
// slept in between: libev's timers count the time awake alone.
#pragma once

#include <functional>
#include <optional>

#include "fd.h"
#include "loop.h"
#include "upnpd/time.h"

namespace upnpd::base {

class BootTimer {
 public:
  using Function = std::function<void()>;
  BootTimer(Loop& loop, Function function);
  // Runs the function once, at `moment` or, when that is over, at once. Replaces an earlier start.
  void start(BootTime moment);
  void stop();

 private:
  void on_ready();
  Fd fd_;
  Function function_;
  std::optional<BootTime> moment_;  // no value: it is stopped
  FdWatcher watcher_;
};

}  // namespace upnpd::base
