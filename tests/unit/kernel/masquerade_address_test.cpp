#include "masquerade_address.h"

#include <doctest/doctest.h>

#include <vector>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

constexpr int kLink = 3;

AddressMessage an_address(const char* text, int link = kLink) {
  return {.index = link,
          .address = network(text),
          .reached = network(text),
          .secondary = false,
          .global = true};
}

}  // namespace

TEST_SUITE("masquerade_address") {
  TEST_CASE("the address in the gateway's network is taken, or else the first") {
    const std::vector addresses{an_address("198.51.100.1/24", kLink + 1),
                                an_address("192.168.100.2/24"), an_address("203.0.113.7/24")};
    const auto towards = [&](const char* gateway) {
      return masquerade_address(addresses, kLink, address(gateway));
    };
    CHECK(towards("203.0.113.1") == address("203.0.113.7"));
    CHECK(towards("192.168.100.1") == address("192.168.100.2"));
    CHECK(towards("10.0.0.1") == address("192.168.100.2"));
    CHECK(masquerade_address(addresses, kLink, std::nullopt) == address("192.168.100.2"));
    CHECK_FALSE(masquerade_address(addresses, kLink + 2, address("203.0.113.1")));
  }

  TEST_CASE("a secondary address, and one that is not of global scope, is not taken") {
    std::vector addresses{an_address("203.0.113.7/24"), an_address("198.51.100.7/24")};
    SUBCASE("secondary") {
      addresses[0].secondary = true;
    }
    SUBCASE("of the link's scope") {
      addresses[0].global = false;
    }
    CHECK(masquerade_address(addresses, kLink, address("203.0.113.1")) == address("198.51.100.7"));
    addresses.pop_back();
    CHECK_FALSE(masquerade_address(addresses, kLink, address("203.0.113.1")));
  }

  TEST_CASE("on a point-to-point link it is the peer's network that has the gateway") {
    std::vector addresses{an_address("192.168.100.2/24"), an_address("203.0.113.7/32")};
    addresses[1].reached = network("203.0.113.1/32");
    CHECK(masquerade_address(addresses, kLink, address("203.0.113.1")) == address("203.0.113.7"));
  }
}
