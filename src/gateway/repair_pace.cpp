#include "repair_pace.h"

#include <algorithm>

namespace upnpd::gateway {

std::chrono::milliseconds RepairPace::pause() const {
  const int late = in_a_row_ - kAtOnce;
  if (late <= 0) return std::chrono::milliseconds(0);
  return std::min(kFirstPause * (1 << std::min(late - 1, 10)), kLongestPause);
}

bool RepairPace::is_calm(BootTime now) const {
  return !last_ || now - *last_ >= kCalm;
}

std::chrono::milliseconds RepairPace::pause_before_next(BootTime now) {
  if (is_calm(now)) in_a_row_ = 0;
  ++in_a_row_;
  return pause();
}

bool RepairPace::is_contested(BootTime now) const {
  return pause().count() != 0 && last_ && now - *last_ < kCalm + pause();
}

}  // namespace upnpd::gateway
