#include "neighbour_watch.h"

#include <doctest/doctest.h>
#include <poll.h>

#include "builders.h"
#include "lab.h"
#include "neighbour_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

constexpr MacAddress kFirst{2, 0, 0x5e, 0x10, 0, 1};

// A link with neighbours that commands make.
struct Link {
  Link() {
    output_of("ip link add lan0 type veth peer name lan1");
    output_of("ip addr add 192.168.77.1/24 dev lan0; ip link set lan1 up; ip link set lan0 up");
  }
  ~Link() { output_of("ip link del lan0"); }
  static void neighbour(const std::string& host, const std::string& mac, const char* state) {
    output_of("ip neigh replace " + host + " lladdr " + mac + " dev lan0 nud " + state);
  }
};

std::vector<Ipv4Address> heard(NeighbourWatch& watch) {
  pollfd readable{watch.fd(), POLLIN, 0};
  if (::poll(&readable, 1, 50) != 1) return {};
  auto changed = watch.drain();
  REQUIRE(changed);
  return *std::move(changed);
}

}  // namespace

TEST_SUITE("neighbour_watch") {
  TEST_CASE("only a watched address with another hardware address wakes the watcher") {
    if (!has_command("ip")) return;
    Link link;
    auto watch = NeighbourWatch::open();
    REQUIRE(watch);
    Link::neighbour("192.168.77.10", "02:00:5e:10:00:99", "stale");
    CHECK(heard(*watch).empty());

    std::vector<WatchedHost> hosts;
    for (int i = 200; i > 10; --i)
      hosts.push_back({address("192.168.78." + std::to_string(i)), kFirst});
    hosts[5] = {address("192.168.77.10"), kFirst};
    REQUIRE(watch->watch(hosts));
    Link::neighbour("192.168.77.10", "02:00:5e:10:00:01", "stale");
    Link::neighbour("192.168.77.10", "02:00:5e:10:00:01", "reachable");
    Link::neighbour("192.168.77.11", "02:00:5e:10:00:02", "reachable");
    output_of("ip neigh del 192.168.77.10 dev lan0");
    CHECK(heard(*watch).empty());

    for (const char* other : {"02:00:5e:10:00:02", "03:00:5e:10:00:01"}) {
      CAPTURE(other);
      Link::neighbour("192.168.77.10", other, "stale");
      CHECK(heard(*watch) == std::vector{address("192.168.77.10")});
    }
    REQUIRE(watch->watch({}));
    Link::neighbour("192.168.77.10", "02:00:5e:10:00:03", "stale");
    CHECK(heard(*watch).empty());
  }

  TEST_CASE("a neighbour is found by its address, and asked again only by an answer") {
    if (!has_command("ip")) return;
    Link link;
    auto neighbours = NeighbourTable::open();
    REQUIRE(neighbours);
    const int index = std::stoi(output_of("ip -o link show lan0"));
    const Ipv4Address host = address("192.168.77.10");
    auto found = neighbours->find(index, host);
    REQUIRE(found);
    CHECK_FALSE(*found);
    Link::neighbour("192.168.77.10", "02:00:5e:10:00:01", "stale");
    found = neighbours->find(index, host);
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->mac == kFirst);
    CHECK_FALSE((*found)->confirmed);
    // Nobody is there to answer.
    REQUIRE(neighbours->ask(index, host));
    found = neighbours->find(index, host);
    REQUIRE(found);
    CHECK_FALSE(*found);
    REQUIRE(neighbours->ask(index, host));
  }
}
