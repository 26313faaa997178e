#include "rate_limited_log.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace std::chrono_literals;

TEST_SUITE("rate_limited_log") {
  TEST_CASE("one line a second comes through, and says what was left out") {
    igd::RateLimitedLog log;
    CHECK(log.admit("a", BootTime(5s)) == "a");
    CHECK_FALSE(log.admit("b", BootTime(5'999ms)));
    CHECK_FALSE(log.admit("c", BootTime(5'999ms)));
    CHECK(log.admit("d", BootTime(6s)) == "d (and 2 more such lines before)");
    CHECK(log.admit("e", BootTime(8s)) == "e");
  }
}
