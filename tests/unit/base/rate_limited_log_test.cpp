#include "rate_limited_log.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace std::chrono_literals;

namespace {

base::RateLimitedLog one_a_second() {
  return base::RateLimitedLog({.burst = 1, .per_line = 1s});
}

}  // namespace

TEST_SUITE("rate_limited_log") {
  TEST_CASE("what comes too often is left out, and the next line says how much") {
    auto log = one_a_second();
    CHECK(log.admit("pc", "a", BootTime(5s)) == "a");
    CHECK_FALSE(log.admit("pc", "b", BootTime(5'999ms)));
    CHECK_FALSE(log.admit("pc", "c", BootTime(5'999ms)));
    CHECK(log.admit("pc", "d", BootTime(6s)) == "d (and 2 more such lines before)");
    CHECK(log.admit("pc", "e", BootTime(8s)) == "e");
  }

  TEST_CASE("a burst comes through whole") {
    base::RateLimitedLog log({.burst = 3, .per_line = 1s});
    for (int i = 0; i < 3; ++i)
      CHECK(log.admit("pc", "a", BootTime(5s)));
    CHECK_FALSE(log.admit("pc", "a", BootTime(5s)));
    CHECK(log.admit("pc", "a", BootTime(6s)));
    CHECK_FALSE(log.admit("pc", "a", BootTime(6s)));
  }

  TEST_CASE("one host's noise does not keep another's lines out") {
    auto log = one_a_second();
    for (int i = 0; i < 1000; ++i)
      log.admit("pc", "noise", BootTime(5s));
    CHECK(log.admit("console", "a", BootTime(5s)) == "a");
  }

  TEST_CASE("many hosts together have a limit, and cost bounded memory") {
    auto log = one_a_second();
    unsigned lines = 0;
    for (int host = 0; host < 100'000; ++host)
      if (log.admit(std::to_string(host), "a", BootTime(5s))) ++lines;
    CHECK(lines == base::RateLimitedLog::kHostsTogether);
    CHECK(log.admit("pc", "a", BootTime(6s)) == "a");
  }
}
