// The clocks, read. All that upnpd does runs by CLOCK_BOOTTIME. Only the shells of the processes
// call this; the core is handed the time.
#pragma once

#include <cstdint>

#include "upnpd/time.h"

namespace upnpd::base {

BootTime boot_now();

// Seconds since 1970 by the wall clock, which on a router may be years off. Only what another
// program has dated needs it.
std::int64_t wall_seconds();

}  // namespace upnpd::base
