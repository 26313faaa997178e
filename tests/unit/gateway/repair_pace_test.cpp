#include "repair_pace.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace upnpd::gateway;
using namespace std::chrono_literals;

namespace {
constexpr BootTime kStart{1h};

// Repairs as soon as it may, `count` times, and is called for the next one at once.
BootTime repair(RepairPace& pace, BootTime now, int count) {
  for (int i = 0; i < count; ++i) {
    now += pace.pause_before_next(now);
    pace.repaired(now);
  }
  return now;
}
}  // namespace

TEST_SUITE("repair_pace") {
  TEST_CASE("the first repairs wait for nothing, the next ones ever longer, up to the longest") {
    RepairPace pace;
    BootTime now = kStart;
    std::chrono::milliseconds before{0};
    for (int i = 1; i <= 20; ++i) {
      const auto pause = pace.pause_before_next(now);
      CHECK((pause.count() == 0) == (i <= RepairPace::kAtOnce));
      CHECK(pause <= RepairPace::kLongestPause);
      if (i > RepairPace::kAtOnce)
        CHECK(pause ==
              std::min(std::max(2 * before, RepairPace::kFirstPause), RepairPace::kLongestPause));
      before = pause;
      now += pause;
      pace.repaired(now);
    }
    CHECK(before == RepairPace::kLongestPause);
  }

  TEST_CASE("it is contested while it is changed again and again, and for a while after") {
    RepairPace pace;
    BootTime now = repair(pace, kStart, RepairPace::kAtOnce);
    CHECK_FALSE(pace.is_contested(now));
    now = repair(pace, now, 1);
    CHECK(pace.is_contested(now));
    CHECK(pace.is_contested(now + RepairPace::kCalm));
    CHECK_FALSE(pace.is_contested(now + RepairPace::kCalm + RepairPace::kFirstPause));
  }

  TEST_CASE("after a calm a repair waits for nothing") {
    RepairPace pace;
    const BootTime now = repair(pace, kStart, 10) + RepairPace::kCalm;
    CHECK(pace.pause_before_next(now) == 0ms);
    CHECK_FALSE(pace.is_contested(now));
  }
}
