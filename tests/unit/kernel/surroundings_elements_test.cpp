#include "surroundings_elements.h"

#include <doctest/doctest.h>

#include <string_view>

#include "builders.h"
#include "nft_sets.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {
std::vector<AddressRange> merged(std::initializer_list<std::string_view> texts) {
  std::vector<Ipv4Network> networks;
  for (const auto text : texts)
    networks.push_back(network(text));
  return merge(networks);
}
AddressRange range(std::string_view first, std::string_view last) {
  return {address(first), address(last)};
}
const SetContent& content_of(const std::vector<SetContent>& contents, std::string_view set) {
  for (const SetContent& content : contents)
    if (content.set == set) return content;
  FAIL("no such set");
  return contents.front();
}
}  // namespace

TEST_SUITE("surroundings_elements") {
  TEST_CASE("networks that overlap, touch or repeat become one range") {
    CHECK(merged({}).empty());
    CHECK(merged({"192.168.77.1/24"}) == std::vector{range("192.168.77.0", "192.168.77.255")});
    CHECK(merged({"192.168.1.0/24", "192.168.0.0/16", "192.168.1.0/24"}) ==
          std::vector{range("192.168.0.0", "192.168.255.255")});
    CHECK(merged({"192.168.1.0/24", "192.168.0.0/24"}) ==
          std::vector{range("192.168.0.0", "192.168.1.255")});
    CHECK(merged({"10.0.0.0/8", "192.168.0.0/24"}) ==
          std::vector{range("10.0.0.0", "10.255.255.255"), range("192.168.0.0", "192.168.0.255")});
  }

  TEST_CASE("ranges reach the highest address without running over") {
    CHECK(merged({"0.0.0.0/0", "10.0.0.0/8"}) == std::vector{range("0.0.0.0", "255.255.255.255")});
    CHECK(merged({"255.255.255.0/24", "255.255.255.255/32"}) ==
          std::vector{range("255.255.255.0", "255.255.255.255")});
  }

  TEST_CASE("an interval has a start and an end, one up to the highest address no end") {
    NatSurroundings surroundings;
    surroundings.lans.push_back({"lan", {network("192.168.77.1/24"), network("255.0.0.0/8")}, {}});
    const auto contents = surroundings_elements_of(surroundings);
    REQUIRE(contents);
    const auto& elements = content_of(*contents, kLanNetworks).elements;
    REQUIRE(elements.size() == 3);
    CHECK(elements[0].key == Fields().address(address("192.168.77.0")));
    CHECK_FALSE(elements[0].is_interval_end);
    CHECK(elements[1].key == Fields().address(address("192.168.78.0")));
    CHECK(elements[1].is_interval_end);
    CHECK(elements[2].key == Fields().address(address("255.0.0.0")));
  }

  TEST_CASE("a LAN's own ports and 1900 are open to it, and guarded") {
    NatSurroundings surroundings;
    surroundings.lans.push_back({"lan", {}, {5000, 5001}});
    surroundings.lans.push_back({"guest", {}, {5000}});
    const auto contents = surroundings_elements_of(surroundings);
    REQUIRE(contents);
    CHECK(content_of(*contents, kLanPorts).elements.size() == 5);
    CHECK(content_of(*contents, kGuardedPorts).elements.size() == 3);
  }

  TEST_CASE("interface names that no interface can have are refused") {
    NatSurroundings surroundings;
    SUBCASE("empty") {
      surroundings.wan_interfaces = {""};
    }
    SUBCASE("sixteen bytes") {
      surroundings.wan_interfaces = {"sixteen-letters-"};
    }
    SUBCASE("a LAN's") {
      surroundings.lans.push_back({"sixteen-letters-", {}, {}});
    }
    const auto contents = surroundings_elements_of(surroundings);
    REQUIRE_FALSE(contents);
    CHECK(contents.error().error == EINVAL);
  }
}
