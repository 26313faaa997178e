// Ends a process whose loop does not turn any more: SIGALRM kills it when a turn has taken longer
// than its patience, be it busy or blocked. The alarm is set by the first turn and looks when it
// goes off at how long the turn of that moment has lasted, so that a turn costs no system call; it
// is set again only where it finds the loop at work, so an idle process is woken once at most. A
// turn whose patience is over is looked at twice, so that a machine that stood still kills nobody.
#pragma once

#include <ev.h>

#include <chrono>

#include "loop.h"

namespace upnpd::base {

// What no turn of a child's loop comes near, and a LAN can still wait for.
inline constexpr std::chrono::milliseconds kTurnPatience{1500};

// A process has one.
class Watchdog {
 public:
  Watchdog(Loop& loop, std::chrono::milliseconds patience);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  static void on_work(struct ev_loop* loop, ev_check* check, int events);
  static void on_wait(struct ev_loop* loop, ev_prepare* prepare, int events);
  Loop& loop_;
  ev_check check_;
  ev_prepare prepare_;
};

}  // namespace upnpd::base
