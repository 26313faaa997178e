// When the kernel's table is repaired after another program has changed it: at once, but after
// growing pauses while it is changed again and again, so that two programs that disagree do not
// keep the router busy.
#pragma once

#include <optional>

#include "upnpd/time.h"

namespace upnpd::gateway {

class RepairPace {
 public:
  static constexpr int kAtOnce = 3;  // repairs in a row without a pause
  static constexpr std::chrono::milliseconds kFirstPause{250};
  static constexpr std::chrono::milliseconds kLongestPause{8000};
  // A change this long after the last repair begins a new row.
  static constexpr std::chrono::milliseconds kCalm{2000};

  // A repair is called for: how long it has to wait.
  std::chrono::milliseconds pause_before_next(BootTime now);
  // It is done, or was tried.
  void repaired(BootTime now) { last_ = now; }
  // Whether the table is being changed again and again.
  bool is_contested(BootTime now) const;

 private:
  std::chrono::milliseconds pause() const;
  bool is_calm(BootTime now) const;
  int in_a_row_ = 0;
  std::optional<BootTime> last_;
};

}  // namespace upnpd::gateway
