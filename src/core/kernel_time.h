// Moments as the kernel's elements have them.
#pragma once

#include <chrono>

#include "upnpd/time.h"

namespace upnpd::core {

// Whether two moments are one: the kernel counts in its own ticks.
inline bool is_same_time(BootTime a, BootTime b) {
  return std::chrono::abs(a - b) < std::chrono::seconds(1);
}

}  // namespace upnpd::core
