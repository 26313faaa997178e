// open() on a table that is there already, and how nft shows what we make.
#include <doctest/doctest.h>

#include <string_view>

#include "builders.h"
#include "lab.h"
#include "nft_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::expected<void, NatError> add(Nat& nat, const PortMapping& mapping) {
  return nat.commit(std::vector<NatChange>{AddMapping{mapping}}, kNow);
}

// The ruleset as it is meant, in nft's words.
constexpr std::string_view kWanted[] = {
    "type inet_proto . inet_service : ipv4_addr . inet_service",
    "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    "type ipv4_addr . inet_proto . inet_service : inet_service",
    "type ifname . inet_proto . inet_service",
    "flags dynamic,timeout",
    "timeout 10s",
    "timeout 5s",
    "size 4096",
    "type nat hook prerouting priority dstnat + 5; policy accept;",
    "ip daddr @external_addresses dnat ip to ip saddr . ip protocol . th dport map "
    "@remote_mappings",
    "ip daddr @external_addresses dnat ip to ip protocol . th dport map @mappings",
    "type nat hook postrouting priority srcnat - 5; policy accept;",
    "ct status dnat ct original ip daddr @external_addresses ip saddr @lan_networks ip daddr "
    "@lan_networks masquerade",
    // nft 1.1 leaves out what the rest of these four says anyhow: l4proto and nfproto.
    "ip saddr . meta l4proto . udp sport . ip daddr . udp dport @begun_flows masquerade",
    "ip saddr . meta l4proto . udp sport @mapped_clients add @begun_flows { "
    "ip saddr . meta l4proto . udp sport . ip daddr . udp dport }",
    "masquerade to :ip saddr . meta l4proto . tcp sport map @source_ports",
    "masquerade to :ip saddr . meta l4proto . udp sport map @source_ports",
    "type filter hook forward priority filter - 5; policy accept;",
    "iifname @wan_interfaces oifname != @wan_interfaces ct state new ct status dnat ip daddr . "
    "meta "
    "l4proto . th dport @mapped_clients meta mark set 0x55506e50",
    "ct direction original ct state established,new ip6 daddr . meta l4proto . th dport @pinholes "
    "ct state new meta mark set 0x55506e50",
    "th dport . th sport @port_pinholes ct state new meta mark set 0x55506e50",
    "th dport . ip6 saddr @host_pinholes ct state new meta mark set 0x55506e50",
    "th dport . ip6 saddr . th sport @host_port_pinholes ct state new meta mark set 0x55506e50",
    "type ipv6_addr . inet_proto . inet_service . ipv6_addr . inet_service",
    "type filter hook forward priority 20; policy accept;",
    "meta mark 0x55506e50 meta mark set 0x00000000",
    "type filter hook input priority filter - 5; policy accept;",
    "iifname \"lo\" accept",
    "meta l4proto . th dport @guarded_ports iifname . meta l4proto . th dport != @lan_ports drop",
    "udp dport 1900 udp length 8 drop",
    "udp dport 1900 update @search_rate { ip saddr limit rate over 50/second burst 100 packets } "
    "drop",
    "udp dport 1900 update @search_rate6 { ip6 saddr limit rate over 50/second burst 100 packets } "
    "drop",
};

}  // namespace

TEST_SUITE("nft_adoption") {
  TEST_CASE("nft lists the ruleset that is meant") {
    if (!has_command("nft")) return;
    FreshTable table;
    const std::string listed = output_of("nft list table inet upnpd");
    INFO(listed);
    for (const std::string_view line : kWanted) {
      INFO(line);
      CHECK(contains(listed, line));
    }
    CHECK(count(listed, "counter") == 6);
  }

  TEST_CASE("nft lists mappings with their addresses, ports and comments") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(add(table.nat, a_mapping()));
    REQUIRE(add(table.nat, a_mapping().udp().port(3074).permanent().described("say \"hi\"")));
    REQUIRE(add(table.nat, a_mapping().from("203.0.113.9").described(std::string(300, 'x'))));
    REQUIRE(table.nat.commit(std::vector<NatChange>{AddOutward{an_outward_mapping()}}, kNow));
    const std::string listed = output_of("nft list table inet upnpd");
    INFO(listed);
    CHECK(contains(listed, "tcp . 8080 counter packets 0 bytes 0 timeout 1h expires "));
    CHECK(contains(listed, " comment \"a game\" : 192.168.77.10 . 80"));
    CHECK(contains(listed, "udp . 3074 counter packets 0 bytes 0 : 192.168.77.10 . 80"));
    CHECK(contains(listed, "203.0.113.9 . tcp . 8080 counter packets 0 bytes 0 timeout 1h"));
    CHECK(contains(listed, "192.168.77.10 . tcp . 80 timeout 1h expires "));
    CHECK(contains(output_of("nft -j list table inet upnpd"), "\"comment\": \"a game\""));
  }

  TEST_CASE("what nft lists, nft loads") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(add(table.nat, a_mapping()));
    const std::string listed = output_of("nft -s list table inet upnpd");
    const std::string loaded = output_of(
        "l=$(nft list table inet upnpd); nft delete table inet upnpd; printf %s \"$l\" | nft -f -");
    CHECK(loaded == "");
    CHECK(output_of("nft -s list table inet upnpd") == listed);
  }

  TEST_CASE("a second table object takes over table and mappings, and doubles no rule") {
    FreshTable table;
    REQUIRE(add(table.nat, a_mapping().id(77)));
    const std::string before = output_of("nft -s list table inet upnpd");
    NftTable second{TableAccess::Everyones};
    REQUIRE(make_table(second) == TableOrigin::TakenOver);
    CHECK(output_of("nft -s list table inet upnpd") == before);
    const auto mappings = mappings_of(second);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings.at(0).id == 77);
    CHECK(second.commit(std::vector<NatChange>{RemoveMapping{a_mapping()}}, kNow));
    CHECK(second.read_back(kNow)->mappings.empty());
  }

  TEST_CASE("opening again heals a table whose rules or chains were taken away") {
    if (!has_command("nft")) return;
    FreshTable table;
    REQUIRE(add(table.nat, a_mapping()));
    const std::string before = output_of("nft -s list table inet upnpd");
    output_of("nft flush chain inet upnpd prerouting; nft add rule inet upnpd guard drop");
    CHECK(output_of("nft -s list table inet upnpd") != before);
    make_table(table.nat);
    CHECK(output_of("nft -s list table inet upnpd") == before);
    output_of("nft delete chain inet upnpd guard");
    make_table(table.nat);
    CHECK(table.nat.read_back(kNow)->mappings.size() == 1);
    CHECK(contains(output_of("nft list table inet upnpd"), "@guarded_ports"));
    output_of("nft flush ruleset");
    REQUIRE(make_table(table.nat) == TableOrigin::Made);
    CHECK(table.nat.read_back(kNow)->mappings.empty());
  }

  TEST_CASE("a table whose sets differ is made new and keeps its mappings") {
    if (!has_command("nft")) return;
    NftTable nat{TableAccess::Everyones};
    REQUIRE(nat.close());
    CHECK(output_of(
              "nft -f - <<'X'\n"
              "table inet upnpd {\n"
              "  map mappings { type inet_proto . inet_service : ipv4_addr . inet_service; flags "
              "timeout\n"
              "    elements = { tcp . 8080 timeout 1h comment \"old\" : 192.168.77.10 . 80 }\n  }\n"
              "  set wan_interfaces { type ipv4_addr; }\n"
              "  set lan_networks { type ipv4_addr; }\n"
              "  chain prerouting { type nat hook prerouting priority 0; }\n"
              "}\nX") == "");
    make_table(nat);
    const auto mappings = mappings_of(nat);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings.at(0).description.text() == "old");
    CHECK(mappings.at(0).id == 0);
    CHECK(mappings.at(0).owner == address("192.168.77.10"));
    const std::string listed = output_of("nft list table inet upnpd");
    CHECK(contains(listed, "priority dstnat + 5"));
    CHECK(contains(listed, "flags interval"));
    REQUIRE(nat.close());
  }

  TEST_CASE("elements put in by hand are read back where they make a mapping") {
    if (!has_command("nft")) return;
    FreshTable table;
    CHECK(output_of("nft add element inet upnpd mappings "
                    "'{ tcp . 22 : 192.168.77.5 . 22, sctp . 22 : 192.168.77.5 . 22,"
                    "   udp . 53 : 127.0.0.1 . 53 }'") == "");
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings.at(0).owner == address("192.168.77.5"));
    CHECK_FALSE(mappings.at(0).expires);
  }
}
