// CLOCK_BOOTTIME, read. Only the shells of the processes call this; the core is handed the time.
#pragma once

#include "upnpd/time.h"

namespace upnpd::base {

BootTime boot_now();

}  // namespace upnpd::base
