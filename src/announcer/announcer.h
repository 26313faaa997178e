// The announcer process: announces one LAN's gateway by SSDP, answers searches, and tells
// subscribers of changes by GENA. The gateway starts one a LAN and speaks with it over the channel;
// ToAnnouncer and FromAnnouncer in upnpd/messages.h are the whole of it.
#pragma once

#include <functional>

#include "fd.h"

namespace upnpd::announcer {

// Runs the process. `channel` is the announcer's end of a wire::Channel. `lock_down` is called
// once, when libupnp has started its threads and asked the kernel about the interface: it takes
// away every system call that is not needed from then on, for all threads.
//
// StopAnnouncing, the channel's end, SIGTERM and SIGINT end it with byebye and status 0; anything
// wrong, after one line in the log, with status 1. It ends the process itself and does not return:
// libupnp's own end can hang, and its threads would outlive what they use.
[[noreturn]] int run_announcer(base::Fd channel, std::function<void()> lock_down);

}  // namespace upnpd::announcer
