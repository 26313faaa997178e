#include "subscription_quota.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace upnpd::announcer;

namespace {

const BootTime kStart{std::chrono::seconds(1000)};
constexpr MacAddress kHost{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2};

// How many of 30 tries each of `addresses` addresses has granted.
unsigned granted(SubscriptionQuota& quota, std::uint32_t addresses, std::optional<MacAddress> host,
                 BootTime now = kStart) {
  unsigned count = 0;
  for (std::uint32_t address = 0; address < addresses; ++address)
    for (int i = 0; i < 30; ++i)
      count += quota.take(Ipv4Address::from_host_order(0xc0a84d64 + address), host, now) ? 1 : 0;
  return count;
}

}  // namespace

TEST_SUITE("subscription_quota") {
  TEST_CASE("an address has its share, then one a minute") {
    SubscriptionQuota quota;
    CHECK(granted(quota, 1, std::nullopt) == SubscriptionQuota::kOfAddress);
    CHECK(granted(quota, 1, std::nullopt, kStart + std::chrono::minutes(1)) == 1);
  }

  TEST_CASE("a host has no more by many addresses than hosts that share a hardware address") {
    SubscriptionQuota quota;
    CHECK(granted(quota, 8, kHost) == SubscriptionQuota::kOfHost);
    CHECK(granted(quota, 1, kOther) == 0);  // the address has had its share
    CHECK(quota.take(*Ipv4Address::parse("192.168.77.20"), kOther, kStart));
    CHECK(quota.take(*Ipv4Address::parse("192.168.77.21"), std::nullopt, kStart));
    CHECK_FALSE(quota.take(*Ipv4Address::parse("192.168.77.22"), kHost, kStart));
  }
}
