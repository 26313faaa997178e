#include "clock.h"

#include <sys/types.h>

#include <ctime>

// On a router of 32 bits it is after 2038 some day, and a file may be large.
static_assert(sizeof(std::time_t) >= 8 && sizeof(off_t) >= 8);

namespace upnpd::base {

BootTime boot_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return BootTime(
      std::chrono::seconds(now.tv_sec) +
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(now.tv_nsec)));
}

std::int64_t wall_seconds() {
  return std::int64_t{::time(nullptr)};
}

}  // namespace upnpd::base
