#include "reached_hosts.h"

#include <doctest/doctest.h>

using namespace upnpd;
using announcer::ReachedHosts;
using std::chrono::milliseconds;

namespace {

const BootTime kStart{milliseconds(1'000'000)};
constexpr milliseconds kSoon = ReachedHosts::kSoon;

IpAddress host(unsigned number) {
  return *Ipv6Address::parse("2001:db8:77::" + std::to_string(number));
}

}  // namespace

TEST_SUITE_BEGIN("reached_hosts");

TEST_CASE("who was sent something is reached when soon afterwards nothing waits") {
  ReachedHosts hosts;
  CHECK_FALSE(hosts.has(host(1), kStart));
  hosts.sent(host(1), kStart);
  CHECK_FALSE(hosts.has(host(1), kStart));
  CHECK(hosts.look(false, kStart + milliseconds(10)) == kSoon);
  CHECK_FALSE(hosts.has(host(1), kStart + milliseconds(10)));
  CHECK_FALSE(hosts.look(false, kStart + kSoon).has_value());
  CHECK(hosts.has(host(1), kStart + kSoon));
}

TEST_CASE(
    "while something waits nobody is reached, and what is thrown away in the end proves nothing") {
  ReachedHosts hosts;
  hosts.sent(host(1), kStart);
  for (milliseconds passed = kSoon; passed <= ReachedHosts::kTooLate; passed += kSoon)
    CHECK(hosts.look(true, kStart + passed).has_value());
  CHECK_FALSE(hosts.look(false, kStart + milliseconds(3100)).has_value());
  CHECK_FALSE(hosts.has(host(1), kStart + milliseconds(3100)));
}

TEST_CASE("one that was reached stays so while others are looked for") {
  ReachedHosts hosts;
  hosts.sent(host(1), kStart);
  hosts.look(false, kStart + kSoon);
  for (unsigned i = 2; i < 100; ++i)
    hosts.sent(host(i), kStart + kSoon);
  hosts.look(true, kStart + 2 * kSoon);
  CHECK(hosts.has(host(1), kStart + 2 * kSoon));
  CHECK_FALSE(hosts.has(host(2), kStart + 2 * kSoon));
}

TEST_CASE("the one not heard of for longest is forgotten first") {
  ReachedHosts hosts;
  BootTime now = kStart;
  for (unsigned i = 0; i < ReachedHosts::kMaxHosts; ++i) {
    hosts.sent(host(i), now);
    now += kSoon;
    hosts.look(false, now);
  }
  CHECK(hosts.has(host(0), now));
  hosts.sent(host(9000), now);
  hosts.look(false, now + kSoon);
  CHECK(hosts.has(host(9000), now));
  CHECK(hosts.has(host(0), now));
  CHECK_FALSE(hosts.has(host(1), now));
}
