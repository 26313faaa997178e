// Port mappings and pinholes asked for over IPv6: the caller is the host with its hardware address.
#include <doctest/doctest.h>

#include "pinhole_builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

const IpAddress kPcLinkLocal = at6("fe80::10");
const Ipv4Address kPcSecond = at("192.168.77.12");

struct Router {
  explicit Router(Policy policy = usual_policy(), Surroundings surroundings = home_with_ipv6())
      : mapper(std::move(policy)) {
    mapper.set_surroundings(std::move(surroundings));
  }
  Reply ask(const ServiceRequest& request) {
    const Outcome outcome = mapper.handle(request, at_second(1));
    mapper.confirm();
    return *outcome.reply;
  }
  // The error, 0 for none.
  int error(const ServiceRequest& request) {
    const Reply reply = ask(request);
    const auto* const refused = std::get_if<Refused>(&reply);
    return refused == nullptr ? 0 : static_cast<int>(code_of(refused->error));
  }
  Mapper mapper;
};

Surroundings with_a_second_address() {
  Surroundings home = home_with_ipv6();
  home.neighbours.add(0, kPcSecond, kPcMac);
  return home;
}

}  // namespace

TEST_SUITE("callers over IPv6") {
  TEST_CASE(
      "a mapping leads to an IPv4 address of the caller's host, by whichever address it asks") {
    for (const IpAddress& caller : {kPcLinkLocal, IpAddress(kPc6), IpAddress(kPcPrivacy6)}) {
      Router router;
      CHECK(router.error(a_request().from(caller).tcp(8080, 8080).client(kPc).add()) == 0);
      const PortMapping* const mapping = router.mapper.table().at(0);
      REQUIRE(mapping != nullptr);
      CHECK(mapping->client.address() == kPc);
      CHECK(mapping->owner == kPc);
    }
  }

  TEST_CASE("in secure_mode another host's address is refused, and so is the router's") {
    Router router;
    CHECK(router.error(a_request().from(kPc6).client(kConsole).add()) == 606);
    CHECK(router.error(a_request().from(kPc6).client(kConsole).v1().add()) == 718);
    CHECK(router.error(a_request().from(kPc6).client(kRouter).add()) == 606);
    Policy open = usual_policy();
    open.secure_mode = false;
    Router trusting(open);
    CHECK(trusting.error(a_request().from(kPc6).client(kConsole).add()) == 0);
    CHECK(trusting.error(a_request().from(kPc6).client(kRouter).udp(4000, 4000).add()) == 606);
  }

  TEST_CASE("an empty InternalClient is the host's only IPv4 address") {
    Router router;
    CHECK(router.error(a_request().from(kPc6).add()) == 0);
    CHECK(router.mapper.table().at(0)->client.address() == kPc);

    Router two(usual_policy(), with_a_second_address());
    CHECK(two.error(a_request().from(kPc6).add()) == 606);
    CHECK(two.error(a_request().from(kPc6).v1().add()) == 718);
    CHECK(two.error(a_request().from(kPc6).client(kPcSecond).add()) == 0);

    Surroundings without = home_with_ipv6();
    without.neighbours = {};
    without.neighbours.add(0, kPc6, kPcMac);
    CHECK(Router(usual_policy(), without).error(a_request().from(kPc6).add()) == 606);
  }

  TEST_CASE("a caller off the LAN's prefixes, or one nobody knows, may nothing") {
    Router router;
    CHECK(router.error(a_request().from(at6("2001:db8:78::10")).client(kPc).add()) == 606);
    CHECK(router.error(a_request().from(kPc6).lan(1).client(kPc).add()) == 606);
    CHECK(router.error(a_request().from(at6("2001:db8:77::99")).client(kPc).add()) == 606);
    CHECK(router.error(a_pinhole_request().from(at6("2001:db8:78::10")).add()) == 606);
  }

  TEST_CASE("what the neighbour table holds of another LAN's addresses, anybody may have said") {
    Surroundings home = home_with_ipv6();
    home.lans[1].ipv6_networks = {*Ipv6Network::parse("2001:db8:78::/64")};
    const IpAddress guest = at6("2001:db8:78::30");
    for (const IpAddress& address : {guest, IpAddress(kPc6)})
      home.neighbours.add(1, std::get<Ipv6Address>(address), kConsoleMac);
    home.neighbours.add(1, kPc, kConsoleMac);
    Router router(usual_policy(), home);
    CHECK(router.error(a_request().from(kPc).tcp(8080, 8080).add()) == 0);
    CHECK(router.error(a_request().from(guest).lan(1).tcp(8080, 8080).remove()) == 606);
    CHECK(router.error(a_request().from(guest).lan(1).tcp(8081, 8081).add()) == 606);
    CHECK(router.error(a_pinhole_request().from(guest).lan(1).add()) == 606);
    CHECK(router.error(a_pinhole_request().from(kPc).add()) == 0);
  }

  TEST_CASE("both families see and delete the same mappings, and nobody else's") {
    Router router(usual_policy(), with_a_second_address());
    CHECK(router.error(a_request().from(kPc).tcp(8080, 8080).add()) == 0);
    CHECK(router.error(a_request().from(kPcSecond).tcp(8081, 8081).add()) == 0);
    CHECK(router.error(a_request().from(kConsole).tcp(8082, 8082).add()) == 0);

    CHECK(router.error(a_request().from(kPc6).get_at(0)) == 0);
    CHECK(router.error(a_request().from(kPc6).get_at(1)) == 0);
    CHECK(router.error(a_request().from(kPc6).get_at(2)) == 713);
    CHECK(std::get<EntryList>(router.ask(a_request().from(kPc6).list(1, 65535))).entries.size() ==
          2);
    CHECK(router.error(a_request().from(kPc6).tcp(8082, 8082).get()) == 606);
    CHECK(router.error(a_request().from(kPc6).tcp(8082, 8082).remove()) == 606);
    CHECK(router.error(a_request().from(kPc6).tcp(8080, 8080).remove()) == 0);
    CHECK(router.error(a_request().from(kPc6).remove_range(1, 65535)) == 0);
    CHECK(router.mapper.table().size() == 1);
  }

  TEST_CASE("a pinhole asked for over IPv6 is the host's, by all its addresses") {
    Router router;
    CHECK(router.error(a_pinhole_request().from(kPcPrivacy6).to(kPc6, 4000).add()) == 0);
    CHECK(router.mapper.pinholes().first_to_expire()->owner == IpAddress(kPcPrivacy6));
    CHECK(router.error(a_pinhole_request().from(kPc).update(1)) == 0);
    CHECK(router.error(a_pinhole_request().from(kConsole6).remove(1)) == 606);
    CHECK(router.error(a_pinhole_request().from(kPc6).to(kConsole6, 4001).add()) == 606);
    CHECK(router.error(a_pinhole_request().from(kPcLinkLocal).remove(1)) == 0);
  }

  TEST_CASE("a host has one quota and one rate, whichever family it asks by") {
    Policy policy = usual_policy();
    policy.limits.mappings_per_host = 2;
    Router router(policy);
    CHECK(router.error(a_pinhole_request().from(kPc6).add()) == 0);
    CHECK(router.error(a_request().from(kPc).tcp(8080, 8080).add()) == 0);
    CHECK(router.error(a_request().from(kPc).tcp(8081, 8081).add()) == 728);
    CHECK(router.error(a_request().from(kPc6).tcp(8081, 8081).add()) == 728);
    CHECK(router.error(a_pinhole_request().from(kPcPrivacy6).to(kPc6, 4001).add()) == 701);

    Policy slow = usual_policy();
    slow.limits.requests_per_second = 1;
    Router rated(slow);
    CHECK(rated.error(a_request().from(kPc).get_at(0)) == 713);
    CHECK(rated.error(a_request().from(kPc6).get_at(0)) == 713);
    CHECK(rated.error(a_request().from(kPcPrivacy6).get_at(0)) == 501);
    CHECK(rated.error(a_request().from(kPc).get_at(0)) == 501);
    CHECK(rated.error(a_request().from(kConsole6).get_at(0)) == 713);
  }
}
