#include "token_buckets.h"

#include <doctest/doctest.h>

#include "builders.h"

using namespace upnpd::core;
using namespace std::chrono_literals;

TEST_SUITE("token_buckets") {
  TEST_CASE("a host may burst twice its rate, then waits for its rate") {
    TokenBuckets buckets(10);
    const auto now = at_second(100);
    for (int i = 0; i < 20; ++i)
      CHECK(buckets.take(kPc, now));
    CHECK_FALSE(buckets.take(kPc, now));
    CHECK_FALSE(buckets.take(kPc, now + 99ms));
    CHECK(buckets.take(kPc, now + 100ms));
    CHECK_FALSE(buckets.take(kPc, now + 100ms));
  }

  TEST_CASE("one host's haste is not another's wait") {
    TokenBuckets buckets(1);
    while (buckets.take(kPc, at_second(1))) {
    }
    CHECK(buckets.take(kConsole, at_second(1)));
  }

  TEST_CASE("no limit is no limit, and memory has one") {
    TokenBuckets none(0);
    for (int i = 0; i < 10000; ++i)
      CHECK(none.take(kPc, at_second(0)));
    TokenBuckets some(1);
    for (std::uint32_t i = 0; i < 100000; ++i)
      CHECK(some.take(upnpd::Ipv4Address::from_host_order(i), at_second(0)));
  }
}
