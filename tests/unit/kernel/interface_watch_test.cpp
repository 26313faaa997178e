#include "interface_watch.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <thread>

#include "builders.h"
#include "lab.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// Interfaces if0 and if1, down, whose peers are up; taken away at the end.
struct Interfaces {
  Interfaces() {
    CHECK(output_of("for i in 0 1; do ip link add if$i type veth peer name peer$i;"
                    "ip link set peer$i up; done") == "");
  }
  Interfaces(const Interfaces&) = delete;
  Interfaces& operator=(const Interfaces&) = delete;
  ~Interfaces() { output_of("ip link del peer0; ip link del peer1"); }
};

InterfaceWatch a_watch() {
  auto watch = InterfaceWatch::open();
  REQUIRE(watch);
  return *std::move(watch);
}

std::optional<RouterInterface> find(InterfaceWatch& watch, std::string_view name) {
  const auto snapshot = watch.snapshot();
  REQUIRE(snapshot);
  const auto found = std::ranges::find(snapshot->interfaces, name, &RouterInterface::name);
  if (found == snapshot->interfaces.end()) return std::nullopt;
  return *found;
}

bool is_readable(const InterfaceWatch& watch) {
  pollfd fd{.fd = watch.fd(), .events = POLLIN};
  return ::poll(&fd, 1, 200) == 1;
}

// The kernel tells a link's state up to a second after it has changed.
bool comes_to(bool running, InterfaceWatch& watch, std::string_view name) {
  for (int events = 0; events < 20; ++events) {
    if (find(watch, name)->running == running) return true;
    (void)is_readable(watch);
    (void)watch.drain();
  }
  return false;
}

bool comes_to_run(InterfaceWatch& watch, std::string_view name) {
  return comes_to(true, watch, name);
}

bool run(const std::string& command) {
  return output_of(command) == "";
}

}  // namespace

TEST_SUITE("interface_watch") {
  TEST_CASE("the snapshot has every interface, with its state") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    REQUIRE(run("ip link set if0 address 02:00:5e:10:00:01"));
    const auto down = find(watch, "if0");
    REQUIRE(down);
    CHECK_FALSE(down->up);
    CHECK_FALSE(down->running);
    CHECK(to_string(down->mac) == "02:00:5e:10:00:01");
    REQUIRE(run("ip link set if0 up"));
    CHECK(find(watch, "if0")->up);
    CHECK(comes_to_run(watch, "if0"));
    CHECK(find(watch, "lo"));
    CHECK_FALSE(find(watch, "eth-none"));
  }

  TEST_CASE("a veth whose peer is down is up but not running") {
    if (!has_command("ip")) return;
    InterfaceWatch watch = a_watch();
    REQUIRE(run("ip link add ve0 type veth peer name ve1; ip link set ve0 up"));
    CHECK(find(watch, "ve0")->up);
    CHECK(comes_to(false, watch, "ve0"));
    REQUIRE(run("ip link set ve1 up"));
    CHECK(comes_to_run(watch, "ve0"));
    output_of("ip link del ve0");
  }

  TEST_CASE("addresses come primary first, each with its prefix, and go") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    REQUIRE(
        run("ip link set if0 up; ip addr add 192.168.77.1/24 dev if0;"
            "ip addr add 192.168.77.2/24 dev if0; ip addr add 10.0.0.1/8 dev if0"));
    CHECK(find(watch, "if0")->addresses == std::vector{network("192.168.77.1/24"),
                                                       network("10.0.0.1/8"),
                                                       network("192.168.77.2/24")});
    REQUIRE(run("ip addr del 10.0.0.1/8 dev if0"));
    CHECK(find(watch, "if0")->addresses.size() == 2);
    CHECK(find(watch, "if1")->addresses.empty());
  }

  TEST_CASE("a point-to-point link has the router's own address, not the peer's") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    REQUIRE(run("ip link set if0 up; ip addr add 203.0.113.1 peer 198.51.100.1/32 dev if0"));
    CHECK(find(watch, "if0")->addresses == std::vector{network("203.0.113.1/32")});
  }

  TEST_CASE("the default route is the one of the lowest metric in the main table") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    CHECK_FALSE(watch.snapshot()->default_route_interface);
    REQUIRE(run("ip link set if0 up; ip link set if1 up; ip route add default dev if0 metric 200"));
    CHECK(watch.snapshot()->default_route_interface == "if0");
    REQUIRE(run("ip route add default dev if1 metric 100; ip route add default dev if0 table 77"));
    CHECK(watch.snapshot()->default_route_interface == "if1");
    REQUIRE(run("ip route del default dev if1"));
    CHECK(watch.snapshot()->default_route_interface == "if0");
    REQUIRE(run("ip route del default dev if0 metric 200"));
    CHECK_FALSE(watch.snapshot()->default_route_interface);
  }

  TEST_CASE("a default route over several next hops counts") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    REQUIRE(
        run("ip link set if0 up; ip link set if1 up;"
            "ip route add default nexthop dev if1 nexthop dev if0"));
    CHECK(watch.snapshot()->default_route_interface == "if1");
  }

  TEST_CASE("what a link masquerades with follows the gateway of its best default route") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    const auto of = [&](const char* name) { return find(watch, name)->masquerade_address; };
    REQUIRE(
        run("ip link set if0 up; ip link set if1 up;"
            "ip addr add 192.168.100.2/24 dev if0; ip addr add 203.0.113.7/24 dev if0;"
            "ip addr add 192.168.100.2/24 dev if1;"
            "ip addr add 198.51.100.7 peer 198.51.100.1/32 dev if1"));
    CHECK(of("if0") == address("192.168.100.2"));
    CHECK_FALSE(of("peer0"));
    REQUIRE(run("ip route add default via 203.0.113.1 metric 20"));
    CHECK(of("if0") == address("203.0.113.7"));
    CHECK(of("if1") == address("192.168.100.2"));
    REQUIRE(run("ip route add default via 198.51.100.1 dev if1 metric 30"));
    CHECK(of("if1") == address("198.51.100.7"));
    REQUIRE(run("ip route add default via 192.168.100.1 dev if0 metric 10"));
    CHECK(of("if0") == address("192.168.100.2"));
    REQUIRE(
        run("ip route flush default;"
            "ip route add default nexthop via 203.0.113.1 nexthop via 198.51.100.1 dev if1"));
    CHECK(of("if0") == address("203.0.113.7"));
    CHECK(of("if1") == address("198.51.100.7"));
  }

  TEST_CASE("a renamed interface has its new name and its old index") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    const int index = find(watch, "if0")->index;
    REQUIRE(run("ip link set if0 name renamed0"));
    CHECK(watch.drain() == true);
    CHECK_FALSE(find(watch, "if0"));
    CHECK(find(watch, "renamed0")->index == index);
  }

  TEST_CASE("changes make it readable, and draining tells whether they matter") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    // Without addresses of IPv6: theirs become usable, which is a change, a second or two later.
    REQUIRE(
        run("ip link set if0 addrgenmode none; ip link set peer0 addrgenmode none;"
            "ip link set if0 up"));
    REQUIRE(comes_to_run(watch, "if0"));
    REQUIRE(comes_to_run(watch, "peer0"));
    while (is_readable(watch))
      (void)watch.drain();
    CHECK(watch.drain() == false);
    for (const char* change :
         {"ip link set if0 address 02:00:5e:10:00:02", "ip addr add 192.168.77.1/24 dev if0",
          "ip route add default dev if0", "ip route del default dev if0",
          "ip addr del 192.168.77.1/24 dev if0", "ip link del if1"}) {
      INFO(change);
      REQUIRE(run(change));
      CHECK(is_readable(watch));
      CHECK(watch.drain() == true);
      std::this_thread::sleep_for(20ms);
      (void)watch.drain();
    }
    REQUIRE(run("ip route add 198.51.100.0/24 dev if0"));
    CHECK(is_readable(watch));
    CHECK(watch.drain() == false);
    CHECK_FALSE(is_readable(watch));
  }

  TEST_CASE("more events than the socket holds count as a change") {
    if (!has_command("ip")) return;
    Interfaces interfaces;
    InterfaceWatch watch = a_watch();
    const int small = 1;
    ::setsockopt(watch.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    std::string batch = "ip link set if0 up; { ";
    for (int i = 1; i < 100; ++i)
      batch += "echo addr add 10.9." + std::to_string(i) + ".1/24 dev if0;";
    REQUIRE(run(batch + "} | ip -batch -"));
    CHECK(watch.drain() == true);
    CHECK(watch.drain() == false);
    CHECK(find(watch, "if0")->addresses.size() == 99);
  }

  TEST_CASE("a link's totals are its own, and count what it sends") {
    if (!has_command("ip")) return;
    InterfaceWatch watch = a_watch();
    REQUIRE(run("ip link add ve0 type veth peer name ve1; ip link set ve0 up; ip link set ve1 up"));
    CHECK(
        run("ip addr add 192.168.77.1/24 dev ve0; ip neigh add 192.168.77.2 lladdr "
            "02:00:00:00:00:02 dev ve0"));
    const auto before = watch.link_totals("ve0"), peer_before = watch.link_totals("ve1");
    REQUIRE(before);
    REQUIRE(peer_before);
    output_of("bash -c 'for i in 1 2 3; do echo -n hello > /dev/udp/192.168.77.2/9; done'");
    const auto after = watch.link_totals("ve0"), peer_after = watch.link_totals("ve1");
    REQUIRE(after);
    REQUIRE(peer_after);
    CHECK(after->packets_sent - before->packets_sent >= 3);
    CHECK(after->bytes_sent - before->bytes_sent >= 3 * (14 + 20 + 8 + 5));
    CHECK(peer_after->bytes_received - peer_before->bytes_received ==
          after->bytes_sent - before->bytes_sent);
    output_of("ip link del ve0");
  }

  TEST_CASE("the totals of what is no interface are an error") {
    InterfaceWatch watch = a_watch();
    for (const char* name : {"", "nothing0", "a-name-that-is-too-long"}) {
      const auto totals = watch.link_totals(name);
      REQUIRE_FALSE(totals);
      CHECK(totals.error().error == ENODEV);
    }
  }
}
