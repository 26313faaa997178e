// The clock every lease runs by. CLOCK_BOOTTIME goes on while the router sleeps and does not jump
// when it learns the date, so a lease of an hour is an hour. The core is handed points of this
// clock and never reads it; base/clock.h does.
#pragma once

#include <chrono>

namespace upnpd {

// CLOCK_BOOTTIME as a clock type. It has no now(): see base/clock.h.
struct BootClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

// A moment, in milliseconds since the kernel booted.
using BootTime = BootClock::time_point;

}  // namespace upnpd
