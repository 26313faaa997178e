// Ends a process whose loop does not turn any more: SIGALRM kills it when a turn has taken longer
// than its patience, be it busy or blocked. The alarm is set while the loop works and put off while
// it waits, so an idle process is never woken.
#pragma once

#include <ev.h>

#include <chrono>

#include "loop.h"

namespace upnpd::base {

// What no turn of a child's loop comes near, and a LAN can still wait for.
inline constexpr std::chrono::milliseconds kTurnPatience{1500};

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
  std::chrono::milliseconds patience_;
  ev_check check_;
  ev_prepare prepare_;
};

}  // namespace upnpd::base
