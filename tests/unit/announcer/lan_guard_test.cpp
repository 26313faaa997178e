#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lan_guard.h"

using namespace upnpd;
using namespace upnpd::announcer;

namespace {

const GuardedLan kLan{"br-lan", *Ipv4Network::parse("192.168.77.1/24"), 5555};
Ipv4Address address(const char* literal) {
  return *Ipv4Address::parse(literal);
}
const BootTime kStart{std::chrono::seconds(1000)};
const Ipv4Address kPeer = address("192.168.77.20");

struct ConnectCase {
  Purpose purpose;
  const char* to;
  std::uint16_t port;
  bool allowed;
};

}  // namespace

TEST_SUITE_BEGIN("lan_guard");

TEST_CASE(
    "an event goes to hosts of the LAN, a description comes from the igd service, all else is "
    "refused") {
  const std::vector<ConnectCase> cases{
      {Purpose::Callback, "192.168.77.20", 7000, true},
      {Purpose::Callback, "192.168.77.254", 1, true},
      {Purpose::Callback, "192.168.77.20", 0, false},
      {Purpose::Callback, "192.168.77.1", 7000, false},
      {Purpose::Callback, "192.168.77.1", 5555, false},
      {Purpose::Callback, "192.168.77.0", 7000, false},
      {Purpose::Callback, "192.168.77.255", 7000, false},
      {Purpose::Callback, "192.168.78.20", 7000, false},
      {Purpose::Callback, "203.0.113.9", 80, false},
      {Purpose::Callback, "127.0.0.1", 80, false},
      {Purpose::Callback, "0.0.0.0", 80, false},
      {Purpose::Callback, "239.255.255.250", 1900, false},
      {Purpose::Description, "192.168.77.1", 5555, true},
      {Purpose::Description, "192.168.77.1", 22, false},
      {Purpose::Description, "192.168.77.20", 5555, false},
      {Purpose::Description, "127.0.0.1", 5555, false},
  };
  for (const ConnectCase& each : cases) {
    CAPTURE(each.to);
    CAPTURE(each.port);
    CHECK(may_connect(kLan, each.purpose, address(each.to), each.port) == each.allowed);
  }
}

TEST_CASE("a request may name its sender, the router and the netmask, nothing else") {
  for (const char* literal : {"192.168.77.20", "192.168.77.1", "255.255.255.0"}) {
    CAPTURE(literal);
    CHECK(named_by(kLan, kPeer, literal));
  }
  for (const char* literal :
       {"192.168.77.21", "203.0.113.9", "127.0.0.1", "0.0.0.0", "255.255.255.255", "192.168.77.020",
        "host.example", "::1", "fd00::1", "", "192.168.77.20 "}) {
    CAPTURE(literal);
    CHECK_FALSE(named_by(kLan, kPeer, literal));
  }
}

TEST_CASE(
    "over IPv6 an event goes to a host of the LAN, and a request names its sender or the router") {
  GuardedLan lan = kLan;
  const IpAddress peer = *parse_ip_address("2001:db8:77::20");
  CHECK_FALSE(is_on(lan, peer));
  lan.ipv6_networks = {*Ipv6Network::parse("fe80::1/64"), *Ipv6Network::parse("2001:db8:77::1/64")};
  CHECK(is_on(lan, peer));
  CHECK_FALSE(is_on(lan, *parse_ip_address("2001:db8:78::20")));
  CHECK(may_connect(lan, Purpose::Callback, peer, 80));
  CHECK_FALSE(may_connect(lan, Purpose::Description, peer, 5555));
  for (const char* to : {"2001:db8:77::1", "fe80::1", "2001:db8:78::20", "::1", "::"})
    CHECK_FALSE(may_connect(lan, Purpose::Callback, *parse_ip_address(to), 80));
  for (const char* literal : {"2001:db8:77::20", "2001:db8:77::1", "fe80::1"})
    CHECK(named_by(lan, peer, literal) == parse_ip_address(literal));
  // What libupnp checks IPv4 callbacks with; nobody is ever connected to there.
  for (const char* literal : {"192.168.77.1", "255.255.255.0"})
    CHECK(named_by(lan, peer, literal) == parse_ip_address("0.0.0.0"));
  for (const char* literal : {"2001:db8:77::21", "2001:db8:f::9", "192.168.77.20", "0.0.0.0", "",
                              "fe80::1%lan0", "[fe80::1]", "host.example"})
    CHECK_FALSE(named_by(lan, peer, literal));
  CHECK_FALSE(named_by(lan, kPeer, "2001:db8:77::1"));
}

TEST_CASE("hosts with many IPv6 addresses leave room for the others") {
  Connections connections;
  int fd = 10;
  for (unsigned i = 0; i < Connections::kMaxOverIpv6; ++i)
    CHECK(connections.accepted(fd++, *parse_ip_address("fe80::" + std::to_string(i + 1)), kStart));
  CHECK_FALSE(connections.accepted(fd, *parse_ip_address("fe80::99"), kStart));
  CHECK(connections.accepted(fd, kPeer, kStart));
}

TEST_CASE("a host with many addresses, known by its hardware address, leaves room for the others") {
  constexpr MacAddress kMany{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2};
  Connections connections;
  int fd = 10;
  for (unsigned i = 0; i < Connections::kMaxPerHost; ++i)
    CHECK(connections.accepted(fd++, Ipv4Address::from_host_order(kPeer.host_order() + i), kStart,
                               kMany));
  CHECK_FALSE(connections.accepted(fd, address("192.168.77.99"), kStart, kMany));
  CHECK(connections.accepted(fd, address("192.168.77.99"), kStart, kOther));
  CHECK(connections.host(fd) == kOther);
  connections.closed(10);
  CHECK(connections.accepted(10, kPeer, kStart, kMany));
  CHECK(connections.accepted(9, address("192.168.77.98"), kStart));  // nobody knows whose
}

TEST_CASE("a host has a few connections at once, and again when it has closed some") {
  Connections connections;
  int fd = 10;
  for (unsigned i = 0; i < Connections::kMaxPerPeer; ++i)
    CHECK(connections.accepted(fd++, kPeer, kStart));
  CHECK_FALSE(connections.accepted(fd, kPeer, kStart));
  CHECK_FALSE(connections.peer(fd));
  CHECK(connections.accepted(fd, address("192.168.77.21"), kStart));
  connections.closed(10);
  CHECK(connections.accepted(10, kPeer, kStart));
  CHECK(connections.peer(10) == IpAddress(kPeer));
}

TEST_CASE("descriptors outside the table are refused, not written beyond it") {
  Connections connections;
  CHECK_FALSE(connections.accepted(-1, kPeer, kStart));
  CHECK_FALSE(connections.accepted(1024, kPeer, kStart));
  connections.connected(1 << 20, kStart);
  connections.closed(-5);
  CHECK(connections.received(4096, 1));
  CHECK_FALSE(connections.peer(4096));
}

TEST_CASE("bytes are counted by connection, accepted or connected, and not on others") {
  Connections connections;
  CHECK(connections.accepted(5, kPeer, kStart));
  CHECK(connections.received(5, Connections::kMaxBytes));
  CHECK_FALSE(connections.received(5, 1));
  connections.closed(5);
  CHECK(connections.received(5, Connections::kMaxBytes * 2));
  connections.connected(5, kStart);
  CHECK_FALSE(connections.received(5, Connections::kMaxBytes + 1));
  connections.connected(5, kStart);
  CHECK(connections.received(5, 1));
}

TEST_CASE("a connection has its time in all, and another descriptor has no limit") {
  using std::chrono::milliseconds;
  Connections connections;
  CHECK_FALSE(connections.time_left(5, kStart));
  REQUIRE(connections.accepted(5, kPeer, kStart));
  CHECK(connections.time_left(5, kStart) == Connections::kMaxTime);
  CHECK(connections.time_left(5, kStart + milliseconds(2900)) == milliseconds(100));
  CHECK(connections.time_left(5, kStart + milliseconds(9000)) == milliseconds(0));
  connections.closed(5);
  CHECK_FALSE(connections.time_left(5, kStart));
}

TEST_CASE("a thread that makes no call about its connection is overdue") {
  constexpr auto kSoon = Connections::kPatience, kLate = kSoon + std::chrono::milliseconds(1);
  Connections connections;
  CHECK_FALSE(connections.is_any_open());
  REQUIRE(connections.accepted(5, kPeer, kStart));
  CHECK(connections.is_any_open());
  SUBCASE("that no thread has taken up") {
    CHECK_FALSE(connections.is_any_overdue(kStart + Connections::kMaxTime + kSoon));
    CHECK(connections.is_any_overdue(kStart + Connections::kMaxTime + kLate));
  }
  SUBCASE("that a thread works on") {
    connections.resumed(5, kStart);
    CHECK_FALSE(connections.is_any_overdue(kStart + kSoon));
    CHECK(connections.is_any_overdue(kStart + kLate));
  }
  SUBCASE("that a thread waits for") {
    const auto left = connections.time_left(5, kStart);
    CHECK_FALSE(connections.is_any_overdue(kStart + *left + kSoon));
    CHECK(connections.is_any_overdue(kStart + *left + kLate));
  }
  SUBCASE("that libupnp begins") {
    connections.connected(5, kStart);
    CHECK_FALSE(connections.is_any_overdue(kStart + Connections::kConnectTime + kSoon));
    CHECK(connections.is_any_overdue(kStart + Connections::kConnectTime + kLate));
  }
  connections.closed(5);
  CHECK_FALSE(connections.is_any_open());
  CHECK_FALSE(connections.is_any_overdue(kStart + std::chrono::hours(1)));
}

TEST_CASE("whether a request may subscribe is decided once a connection") {
  Connections connections;
  CHECK_FALSE(connections.may_subscribe(5, [] { return true; }));
  REQUIRE(connections.accepted(5, kPeer, kStart));
  CHECK(connections.may_subscribe(5, [] { return true; }));
  CHECK(connections.may_subscribe(5, [] { return false; }));
  connections.closed(5);
  REQUIRE(connections.accepted(5, kPeer, kStart));
  CHECK_FALSE(connections.may_subscribe(5, [] { return false; }));
}

TEST_SUITE_END();
