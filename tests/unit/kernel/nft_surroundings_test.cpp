#include <doctest/doctest.h>

#include <string_view>

#include "builders.h"
#include "lab.h"
#include "nft_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

std::string listed(const std::string& set) {
  const std::string text = output_of("nft list set inet upnpd " + set);
  std::string flat;
  for (const char c : text)
    if (c != '\n' && c != '\t') flat += c;
  return flat;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

NatSurroundings a_home() {
  return {.wan_interfaces = {"wan", "wan6"},
          .external_addresses = {address("203.0.113.1"), address("203.0.113.2")},
          .lans = {{"br-lan", {network("192.168.77.1/24")}, {5000, 5001}},
                   {"br-guest", {network("192.168.88.1/24")}, {5000}}}};
}

}  // namespace

TEST_SUITE("nft_surroundings") {
  TEST_CASE("every set holds what the surroundings say") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(table.nat.set_surroundings(a_home()));
    CHECK(contains(listed("wan_interfaces"), "\"wan\""));
    CHECK(contains(listed("wan_interfaces"), "\"wan6\""));
    CHECK(contains(listed("external_addresses"), "203.0.113.1"));
    CHECK(contains(listed("external_addresses"), "203.0.113.2"));
    CHECK(contains(listed("lan_networks"), "elements = { 192.168.77.0/24, 192.168.88.0/24 }"));
    CHECK(contains(listed("lan_ports"), "\"br-lan\" . tcp . 5001"));
    CHECK(contains(listed("lan_ports"), "\"br-guest\" . udp . 1900"));
    CHECK(contains(listed("guarded_ports"), "tcp . 5000"));
    CHECK(contains(listed("guarded_ports"), "udp . 1900"));
  }

  TEST_CASE("setting others replaces them, and the mappings stay") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(table.nat.commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow));
    REQUIRE(table.nat.set_surroundings(a_home()));
    NatSurroundings other = a_home();
    other.external_addresses = {address("198.51.100.7")};
    other.lans.pop_back();
    REQUIRE(table.nat.set_surroundings(other));
    CHECK(contains(listed("external_addresses"), "elements = { 198.51.100.7 }"));
    CHECK(contains(listed("lan_networks"), "elements = { 192.168.77.0/24 }"));
    CHECK_FALSE(contains(listed("lan_ports"), "br-guest"));
    REQUIRE(table.nat.set_surroundings({}));
    CHECK_FALSE(contains(listed("external_addresses"), "elements"));
    CHECK_FALSE(contains(listed("lan_networks"), "elements"));
    CHECK(table.nat.read_back(kNow)->mappings.size() == 1);
  }

  TEST_CASE("setting the same again asks the kernel nothing, after open() it does") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(table.nat.set_surroundings(a_home()));
    output_of("nft flush set inet upnpd external_addresses");
    REQUIRE(table.nat.set_surroundings(a_home()));
    CHECK_FALSE(contains(listed("external_addresses"), "203.0.113.1"));
    make_table(table.nat);
    REQUIRE(table.nat.set_surroundings(a_home()));
    CHECK(contains(listed("external_addresses"), "203.0.113.1"));
  }

  TEST_CASE("an adopted table loses the surroundings of before") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(table.nat.set_surroundings(a_home()));
    NftTable second{TableAccess::Everyones};
    make_table(second);
    CHECK(contains(listed("external_addresses"), "203.0.113.1"));
    REQUIRE(second.set_surroundings({}));
    CHECK_FALSE(contains(listed("external_addresses"), "203.0.113.1"));
    CHECK_FALSE(contains(listed("wan_interfaces"), "wan6"));
  }

  TEST_CASE("LAN networks that overlap, touch or reach the end of all addresses are taken") {
    if (!has_command("nft")) return;
    FreshTable table;
    NatSurroundings home;
    home.lans = {
        {"a", {network("192.168.0.0/16"), network("192.168.77.1/24"), network("10.1.0.0/24")}, {}},
        {"b", {network("10.1.1.0/24"), network("192.168.77.1/24")}, {}}};
    REQUIRE(table.nat.set_surroundings(home));
    CHECK(contains(listed("lan_networks"), "elements = { 10.1.0.0/23, 192.168.0.0/16 }"));
    home.lans = {{"a", {network("192.168.0.0/16"), network("255.0.0.0/8")}, {}}};
    REQUIRE(table.nat.set_surroundings(home));
    CHECK(contains(listed("lan_networks"), "elements = { 192.168.0.0/16, 255.0.0.0/8 }"));
    home.lans = {{"a", {network("0.0.0.0/0"), network("192.168.0.0/16")}, {}}};
    REQUIRE(table.nat.set_surroundings(home));
    CHECK(contains(listed("lan_networks"), "0.0.0.0"));
  }

  TEST_CASE("an impossible interface name is refused and changes nothing") {
    FreshTable table;
    REQUIRE(table.nat.set_surroundings(a_home()));
    NatSurroundings wrong = a_home();
    wrong.wan_interfaces = {"a-name-that-is-much-too-long"};
    const auto set = table.nat.set_surroundings(wrong);
    REQUIRE_FALSE(set);
    CHECK(set.error().error == EINVAL);
    if (has_command("nft")) CHECK(contains(listed("wan_interfaces"), "\"wan6\""));
  }
}
