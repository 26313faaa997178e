#include <doctest/doctest.h>

#include "address_buckets.h"

using namespace upnpd;
using announcer::AddressBuckets;
using std::chrono::milliseconds;

namespace {

const BootTime kStart{milliseconds(1'000'000)};
Ipv4Address host(std::uint32_t number) {
  return Ipv4Address::from_host_order(0xc0a84d00 + number);
}

int taken(AddressBuckets& buckets, Ipv4Address address, BootTime now, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i)
    count += buckets.take(address, now) ? 1 : 0;
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("address_buckets");

TEST_CASE("a host has a burst, then a token at a time") {
  AddressBuckets buckets({.burst = 20, .per_token = milliseconds(100), .addresses = 256});
  CHECK(taken(buckets, host(2), kStart, 50) == 20);
  CHECK(taken(buckets, host(2), kStart + milliseconds(99), 5) == 0);
  CHECK(taken(buckets, host(2), kStart + milliseconds(100), 5) == 1);
  CHECK(taken(buckets, host(2), kStart + milliseconds(1100), 50) == 10);
  CHECK(taken(buckets, host(2), kStart + std::chrono::hours(1), 50) == 20);
}

TEST_CASE("one host's greed is not another's loss") {
  AddressBuckets buckets({.burst = 3, .per_token = milliseconds(100), .addresses = 256});
  CHECK(taken(buckets, host(2), kStart, 10) == 3);
  CHECK(taken(buckets, host(3), kStart, 10) == 3);
}

TEST_CASE("a clock that stands still or goes back gives nothing") {
  AddressBuckets buckets({.burst = 1, .per_token = milliseconds(100), .addresses = 256});
  CHECK(taken(buckets, host(2), kStart, 2) == 1);
  CHECK(taken(buckets, host(2), kStart - milliseconds(500), 2) == 0);
}

TEST_CASE("the address not seen for longest is forgotten when there are too many") {
  AddressBuckets buckets({.burst = 1, .per_token = std::chrono::hours(1), .addresses = 4});
  for (std::uint32_t i = 0; i < 4; ++i)
    CHECK(buckets.take(host(i), kStart + milliseconds(i)));
  CHECK(buckets.take(host(9), kStart + milliseconds(10)));
  CHECK(buckets.size() == 4);
  CHECK_FALSE(buckets.take(host(1), kStart + milliseconds(11)));
  CHECK(buckets.take(host(0), kStart + milliseconds(12)));
}

TEST_SUITE_END();
