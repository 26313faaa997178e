#include "wan_side.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace upnpd::gateway;

namespace {

kernel::RouterInterface an_interface(const char* name, std::vector<const char*> addresses,
                                     bool up = true) {
  kernel::RouterInterface interface {
    1, name, {}, up, up, {}
  };
  for (const char* address : addresses)
    interface.addresses.push_back(*Ipv4Network::parse(address));
  return interface;
}

WanSide find_wan(const Config& config, const kernel::RouterInterfaces& interfaces) {
  const InternetSide internet = find_internet(config, interfaces);
  return internet.wans[internet.usual];
}

WanSide wan_with(const char* address) {
  Config config;
  config.wans = {"wan"};
  return find_wan(config, {{an_interface("wan", {address})}, std::nullopt});
}

}  // namespace

TEST_SUITE("wan_side") {
  TEST_CASE("the WAN is the configured interface, or else the default route's") {
    Config config;
    const kernel::RouterInterfaces home{
        {an_interface("lan", {"192.168.77.1/24"}), an_interface("ppp0", {"198.51.100.7/32"})},
        "ppp0"};
    CHECK(find_wan(config, home).interface == "ppp0");
    CHECK(find_wan(config, home).external_address->to_string() == "198.51.100.7");
    config.wans = {"eth9"};
    CHECK(find_wan(config, home).interface == "eth9");
    CHECK_FALSE(find_wan(config, home).external_address);
  }

  TEST_CASE("a LAN is never the WAN, though the default route leads there") {
    Config config;
    config.lans = {"br-lan"};
    const kernel::RouterInterfaces access_point{{an_interface("br-lan", {"192.168.77.2/24"})},
                                                "br-lan"};
    CHECK_FALSE(find_wan(config, access_point).interface);
    CHECK(find_wan(config, access_point).addresses.empty());
  }

  TEST_CASE("an interface that is down has no address to offer") {
    Config config;
    config.wans = {"wan"};
    CHECK_FALSE(find_wan(config, {{an_interface("wan", {"198.51.100.7/24"}, false)}, std::nullopt})
                    .external_address);
  }

  TEST_CASE("every address is matched; told is what hosts leave by, the first, or ext_ip instead") {
    Config config;
    config.wans = {"wan"};
    kernel::RouterInterfaces home{{an_interface("wan", {"198.51.100.7/24", "198.51.100.8/24"})},
                                  std::nullopt};
    CHECK(find_wan(config, home).addresses.size() == 2);
    CHECK(find_wan(config, home).external_address->to_string() == "198.51.100.7");
    home.interfaces[0].masquerade_address = Ipv4Address::parse("198.51.100.8");
    CHECK(find_wan(config, home).external_address->to_string() == "198.51.100.8");
    CHECK(find_wan(config, home).addresses.size() == 2);
    config.external_address = *Ipv4Address::parse("203.0.113.200");
    CHECK(find_wan(config, home).external_address->to_string() == "203.0.113.200");
    CHECK(find_wan(config, home).addresses[0].to_string() == "198.51.100.7");
  }

  TEST_CASE("of several WANs the default route's is the usual one, and a LAN may have its own") {
    Config config;
    config.wans = {"dsl", "lte"};
    config.lan_wans = {{"guest", "lte"}};
    kernel::RouterInterfaces home{
        {an_interface("dsl", {"198.51.100.7/24"}), an_interface("lte", {"203.0.113.9/32"})}, "dsl"};
    const auto wan_of = [&](const char* lan) {
      return *find_internet(config, home).of(config, lan).interface;
    };
    CHECK(wan_of("lan") == "dsl");
    CHECK(wan_of("guest") == "lte");
    home.default_route_interface = "lte";
    CHECK(wan_of("lan") == "lte");
    // No default route, or one through what is no WAN: the first that has an address.
    home.default_route_interface = "tunnel";
    CHECK(wan_of("lan") == "dsl");
    home.interfaces[0].up = false;
    home.default_route_interface = std::nullopt;
    CHECK(wan_of("lan") == "lte");
    home.interfaces.clear();
    CHECK(wan_of("lan") == "dsl");
    CHECK(wan_of("guest") == "lte");
  }

  TEST_CASE("an address that the internet cannot reach is explained") {
    CHECK(note_on(wan_with("8.8.8.8/24")).empty());
    CHECK(note_on(wan_with("100.64.0.1/10")).find("RFC 6598") != std::string::npos);
    CHECK(note_on(wan_with("10.0.0.2/8")).find("RFC 1918") != std::string::npos);
    CHECK(note_on(wan_with("203.0.113.1/24")).find("RFC 5737") != std::string::npos);
    CHECK(note_on(WanSide{}).find("ext_ifname") != std::string::npos);
  }

  TEST_CASE("a speed is told as it is up to what a ui4 holds") {
    CHECK(bit_rate_variable(0) == 0);
    CHECK(bit_rate_variable(2'500'000'000) == 2'500'000'000);
    CHECK(bit_rate_variable(UINT32_MAX) == UINT32_MAX);
    CHECK(bit_rate_variable(10'000'000'000) == UINT32_MAX);
  }
}
