#include "clock.h"

#include <ctime>

namespace upnpd::base {

BootTime boot_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return BootTime(
      std::chrono::seconds(now.tv_sec) +
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(now.tv_nsec)));
}

}  // namespace upnpd::base
