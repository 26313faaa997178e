// Packets through the rules: an internet host, this namespace as the router, and two hosts on its
// LAN.
#include <doctest/doctest.h>

#include <string_view>
#include <thread>

#include "builders.h"
#include "lab.h"
#include "nft_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// The router's ends are wan0 and the bridge lan0. No rule but ours: forwarding is open.
struct Home {
  Host internet, client, neighbour;
  FreshTable table;

  Home() {
    const std::string made = output_of(
        "set -e\n"
        "ip link set lo up\n"
        "sysctl -qw net.ipv4.ip_forward=1\n"
        // With br_netfilter the bridge itself forwards what is DNATed, and never back to its port.
        "sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true\n"
        "ip link add wan0 type veth peer name eth0 netns " +
        internet.path() +
        "\n"
        "ip link add lan0 type bridge\n"
        "ip link add port0 type veth peer name eth0 netns " +
        client.path() +
        "\n"
        "ip link add port1 type veth peer name eth0 netns " +
        neighbour.path() +
        "\n"
        "for p in port0 port1; do ip link set $p master lan0 up; done\n"
        "ip link set lan0 up; ip link set wan0 up\n"
        "ip addr add 203.0.113.1/24 dev wan0; ip addr add 192.168.77.1/24 dev lan0\n");
    INFO(made);
    REQUIRE(made == "");
    set_up(internet, "203.0.113.9/24", "");
    set_up(client, "192.168.77.10/24", "192.168.77.1");
    set_up(neighbour, "192.168.77.11/24", "192.168.77.1");
    REQUIRE(table.nat.set_surroundings({.wan_interfaces = {"wan0"},
                                        .external_addresses = {address("203.0.113.1")},
                                        .lans = {{"lan0", {network("192.168.77.1/24")}, {5000}}}}));
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  ~Home() { output_of("ip link del wan0; ip link del port0; ip link del port1; ip link del lan0"); }

  static void set_up(const Host& host, const std::string& own, const std::string& router) {
    std::string command =
        "ip link set lo up; ip link set eth0 up; ip addr add " + own + " dev eth0";
    if (!router.empty()) command += "; ip route add default via " + router;
    CHECK(host.output_of(command) == "");
  }

  void map(const PortMapping& mapping) {
    OutwardMapping outward = an_outward_mapping();
    outward.endpoint = {mapping.client, mapping.key.protocol, mapping.internal_port};
    outward.external_port = mapping.key.external_port;
    REQUIRE(
        table.nat.commit(std::vector<NatChange>{AddMapping{mapping}, AddOutward{outward}}, kNow));
  }
};

bool can_build() {
  return has_command("ip");
}

}  // namespace

TEST_SUITE("nft_packets") {
  TEST_CASE(
      "a mapping lets the internet in, counts it, and the answer leaves by the external port") {
    if (!can_build()) return;
    Home home;
    const PortMapping mapping = a_mapping().udp().port(3074).to("192.168.77.10", 4000);
    home.map(mapping);
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket player(home.internet, "203.0.113.9", 6000);
    player.send("203.0.113.1", 3074, "hello");
    const auto heard = server.receive();
    REQUIRE(heard);
    CHECK(heard->address == "203.0.113.9");
    CHECK(heard->port == 6000);
    server.send("203.0.113.9", 6000, "answer");
    const auto answer = player.receive();
    REQUIRE(answer);
    CHECK(answer->address == "203.0.113.1");
    CHECK(answer->port == 3074);
    const auto counters = home.table.nat.counters();
    REQUIRE(counters);
    CHECK(counters->at(mapping.key).packets == 1);
    CHECK(counters->at(mapping.key).bytes == 20 + 8 + 5);
  }

  TEST_CASE("what a mapped socket sends first leaves by the external port too") {
    if (!can_build()) return;
    Home home;
    home.map(a_mapping().udp().port(3074).to("192.168.77.10", 4000));
    const UdpSocket game(home.client, "192.168.77.10", 4000);
    const UdpSocket player(home.internet, "203.0.113.9", 6001);
    game.send("203.0.113.9", 6001, "hello");
    const auto heard = player.receive();
    REQUIRE(heard);
    CHECK(heard->address == "203.0.113.1");
    CHECK(heard->port == 3074);
  }

  TEST_CASE("a mapping for one RemoteHost serves no other") {
    if (!can_build()) return;
    Home home;
    home.internet.output_of("ip addr add 203.0.113.10/24 dev eth0");
    home.map(a_mapping().udp().port(3074).from("203.0.113.9").to("192.168.77.10", 4000));
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket friendly(home.internet, "203.0.113.9", 6000),
        other(home.internet, "203.0.113.10", 6000);
    other.send("203.0.113.1", 3074, "no");
    CHECK_FALSE(server.receive());
    friendly.send("203.0.113.1", 3074, "yes");
    REQUIRE(server.receive());
  }

  TEST_CASE("LAN hosts reach a mapping by the external address, even the mapped one itself") {
    if (!can_build()) return;
    Home home;
    home.map(a_mapping().udp().port(3074).to("192.168.77.10", 4000));
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket near(home.neighbour, "192.168.77.11", 6000),
        self(home.client, "192.168.77.10", 6000);
    for (const UdpSocket* caller : {&near, &self}) {
      const bool by_itself = caller == &self;
      INFO(by_itself);
      caller->send("203.0.113.1", 3074, "hello");
      const auto heard = server.receive();
      REQUIRE(heard);
      CHECK(heard->address == "192.168.77.1");
      server.send(heard->address, heard->port, "answer");
      const auto answer = caller->receive();
      REQUIRE(answer);
      CHECK(answer->address == "203.0.113.1");
      CHECK(answer->port == 3074);
    }
  }

  TEST_CASE("a mapping never shadows the router's own address on the LAN") {
    if (!can_build()) return;
    Home home;
    home.map(a_mapping().udp().port(3074).to("192.168.77.10", 4000));
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket near(home.neighbour, "192.168.77.11", 6000);
    near.send("192.168.77.1", 3074, "for the router");
    CHECK_FALSE(server.receive());
  }

  TEST_CASE("only what comes in by a mapping carries the mark between our forward chains") {
    if (!can_build() || !has_command("nft")) return;
    Home home;
    home.map(a_mapping().udp().port(3074).to("192.168.77.10", 4000));
    CHECK(output_of(
              "nft -f - <<'X'\ntable inet other {\n"
              "  counter after {}\n"
              "  chain forward { type filter hook forward priority filter; policy drop;\n"
              "    ct state established,related accept\n"
              "    meta mark 0x55506e50 accept\n  }\n"
              "  chain firewalld { type filter hook forward priority filter + 10; policy drop;\n"
              "    ct state established,related accept\n"
              "    meta mark 0x55506e50 accept\n  }\n"
              "  chain later { type filter hook forward priority filter + 30;\n"
              "    meta mark != 0 counter name after\n  }\n}\nX") == "");
    home.internet.output_of("ip route add 192.168.77.0/24 via 203.0.113.1");
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket player(home.internet, "203.0.113.9", 6000),
        raw(home.internet, "203.0.113.9", 6001);
    player.send("203.0.113.1", 3074, "mapped");
    CHECK(server.receive());
    raw.send("192.168.77.10", 4000, "past the mapping");
    CHECK_FALSE(server.receive());
    CHECK(output_of("nft list counter inet other after").find("packets 0 ") != std::string::npos);
    output_of("nft delete table inet other");
  }

  TEST_CASE("a client that is found behind a WAN is not let in to") {
    if (!can_build() || !has_command("nft")) return;
    Home home;
    home.map(a_mapping().udp().port(3074).to("192.168.77.10", 4000));
    CHECK(output_of("nft -f - <<'X'\ntable inet other {\n"
                    "  chain forward { type filter hook forward priority filter; policy drop;\n"
                    "    meta mark 0x55506e50 accept\n  }\n}\nX") == "");
    REQUIRE(home.table.nat.set_surroundings({.wan_interfaces = {"wan0", "lan0"},
                                             .external_addresses = {address("203.0.113.1")},
                                             .lans = {}}));
    const UdpSocket server(home.client, "192.168.77.10", 4000);
    const UdpSocket player(home.internet, "203.0.113.9", 6000);
    player.send("203.0.113.1", 3074, "round the corner");
    CHECK_FALSE(server.receive());
    output_of("nft delete table inet other");
  }

  TEST_CASE("guarded ports are closed to all but their LAN, and empty searches to everyone") {
    if (!can_build() || !has_command("nft")) return;
    Home home;
    const auto dropped = [&](const Host& from, const std::string& own, std::uint16_t port,
                             std::string_view text) {
      output_of(
          "nft -f - <<'X'\ntable inet seen {\n  counter in {}\n"
          "  chain input { type filter hook input priority filter; udp dport " +
          std::to_string(port) + " counter name in; }\n}\nX");
      const UdpSocket socket(from, own, 6000);
      socket.send(own.starts_with("203") ? "203.0.113.1" : "192.168.77.1", port, text);
      std::this_thread::sleep_for(50ms);
      const std::string seen =
          output_of("nft list counter inet seen in; nft delete table inet seen");
      return seen.find("packets 0 ") != std::string::npos;
    };
    CHECK_FALSE(dropped(home.client, "192.168.77.10", 1900, "M-SEARCH"));
    CHECK(dropped(home.client, "192.168.77.10", 1900, ""));
    CHECK(dropped(home.internet, "203.0.113.9", 1900, "M-SEARCH"));
    CHECK_FALSE(dropped(home.internet, "203.0.113.9", 1901, "another port"));
  }
}
