#include <doctest/doctest.h>

#include <limits>

#include "pinhole_builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

Mapper a_mapper(Policy policy = usual_policy()) {
  Mapper mapper(std::move(policy));
  mapper.set_surroundings(home_with_ipv6());
  return mapper;
}

int error_of(const Outcome& outcome) {
  const auto* const refused = outcome.reply ? std::get_if<Refused>(&*outcome.reply) : nullptr;
  if (refused == nullptr) return 0;
  CHECK(outcome.reason);
  CHECK(outcome.changes.empty());
  return code_of(refused->error);
}

int id_of(const Outcome& outcome) {
  REQUIRE(error_of(outcome) == 0);
  return std::get<PinholeAdded>(*outcome.reply).unique_id.number();
}

Outcome added(Mapper& mapper, const PinholeRequestBuilder& request, int second = 0) {
  Outcome outcome = mapper.handle(request.add(), at_second(second));
  mapper.confirm();
  return outcome;
}

}  // namespace

TEST_SUITE("mapper_pinholes") {
  TEST_CASE("AddPinhole opens the way, and the same five values again only extend it") {
    Mapper mapper = a_mapper();
    const Outcome first = added(mapper, a_pinhole_request());
    CHECK(id_of(first) == 1);
    REQUIRE(first.changes.size() == 1);
    CHECK(std::get<OpenPinhole>(first.changes[0]).pinhole.expires == at_second(3600));
    const Outcome again = added(mapper, a_pinhole_request().lease(60), 10);
    CHECK(id_of(again) == 1);
    REQUIRE(again.changes.size() == 2);
    CHECK(std::holds_alternative<ClosePinhole>(again.changes[0]));
    CHECK(std::get<OpenPinhole>(again.changes[1]).pinhole.expires == at_second(70));
    CHECK(again.pinhole_events[0].kind == PinholeEvent::Kind::Renewed);
    CHECK(id_of(added(mapper, a_pinhole_request().protocol(6))) == 2);
    CHECK(id_of(added(mapper, a_pinhole_request().remote(at6("2001:db8:f::9"), 0))) == 3);
    CHECK(id_of(added(mapper, a_pinhole_request().remote(NoAddress{}, 53))) == 4);
    CHECK(mapper.pinholes().size() == 4);
    CHECK(mapper.next_deadline() == at_second(70));
  }

  TEST_CASE("each wrong argument has its own error, the most specific first") {
    Mapper mapper = a_mapper();
    const auto refused = [&](const PinholeRequestBuilder& request) {
      return error_of(mapper.handle(request.add(), at_second(0)));
    };
    CHECK(refused(a_pinhole_request().protocol(65535)) == 707);
    CHECK(refused(a_pinhole_request().protocol(47)) == 705);
    CHECK(refused(a_pinhole_request().protocol(256 + 17)) == 705);
    CHECK(refused(a_pinhole_request().to(NoAddress{}, 4000)) == 708);
    CHECK(refused(a_pinhole_request().to(MalformedAddress{}, 4000)) == 600);
    CHECK(refused(a_pinhole_request().to(kPc6, 0)) == 706);
    CHECK(refused(a_pinhole_request().lease(0)) == 402);
    CHECK(refused(a_pinhole_request().lease(86401)) == 402);
    CHECK(refused(a_pinhole_request().remote(MalformedAddress{}, 0)) == 600);
    CHECK(refused(a_pinhole_request().remote(at6("ff02::1"), 0)) == 600);
    CHECK(refused(a_pinhole_request().to(kPc6, 1023)) == 606);
    CHECK(refused(a_pinhole_request().from(at("10.0.0.1"))) == 606);
    CHECK(refused(a_pinhole_request().to(kPc6, 1024).lease(86400)) == 0);
    CHECK(mapper.pinholes().size() == 1);
  }

  TEST_CASE("InternalClient is any routed address of the caller's host, and of no other") {
    Mapper mapper = a_mapper();
    const auto refused = [&](const Ipv6Address& client) {
      return error_of(mapper.handle(a_pinhole_request().to(client, 4000).add(), at_second(0)));
    };
    CHECK(refused(kPc6) == 0);
    CHECK(refused(kPcPrivacy6) == 0);
    CHECK(refused(kConsole6) == 606);
    CHECK(refused(kRouter6) == 606);
    CHECK(refused(at6("fe80::10")) == 606);
    CHECK(refused(at6("::1")) == 606);
    CHECK(refused(at6("2001:db8:77::99")) == 606);  // nobody the neighbour table knows
  }

  TEST_CASE("without secure_mode any known host of the LAN will do, the router never") {
    Policy policy = usual_policy();
    policy.secure_mode = false;
    Mapper mapper = a_mapper(policy);
    const auto refused = [&](const Ipv6Address& client) {
      return error_of(mapper.handle(a_pinhole_request().to(client, 4000).add(), at_second(0)));
    };
    CHECK(refused(kConsole6) == 0);
    CHECK(refused(kRouter6) == 606);
    CHECK(refused(at6("2001:db8:77::99")) == 606);
  }

  TEST_CASE(
      "a pinhole is its host's to update, delete and ask after, whatever address it asks by") {
    Mapper mapper = a_mapper();
    added(mapper, a_pinhole_request());
    const auto console = a_pinhole_request().from(kConsole);
    for (const ServiceRequest& request :
         {console.update(1), console.remove(1), console.packets(1), console.check(1)})
      CHECK(error_of(mapper.handle(request, at_second(0))) == 606);
    const auto pc = a_pinhole_request().lease(60);
    for (const ServiceRequest& request :
         {pc.update(2), pc.remove(2), pc.packets(0), pc.check(65535)})
      CHECK(error_of(mapper.handle(request, at_second(0))) == 704);
    CHECK(error_of(mapper.handle(a_pinhole_request().lease(86401).update(1), at_second(0))) == 402);
    CHECK_FALSE(mapper.handle(pc.packets(1), at_second(0)).reply);  // the kernel's to say
    CHECK_FALSE(mapper.handle(pc.check(1), at_second(0)).reply);
    CHECK(error_of(mapper.handle(pc.update(1), at_second(100))) == 0);
    CHECK(mapper.pinholes().find(*UniqueId::parse(1))->expires == at_second(160));
    CHECK(error_of(mapper.handle(pc.remove(1), at_second(0))) == 0);
    CHECK(error_of(mapper.handle(pc.remove(1), at_second(0))) == 704);
  }

  TEST_CASE("an address that has become another host's does not hand its pinholes on") {
    Mapper mapper = a_mapper();
    added(mapper, a_pinhole_request());
    Neighbours later = the_neighbours();
    later.add(0, kPc6, kConsoleMac);
    mapper.set_neighbours(later);
    const Outcome taken = added(mapper, a_pinhole_request().from(kConsole).to(kPc6, 4000));
    CHECK(id_of(taken) == 2);
    CHECK(taken.pinhole_events[0].kind == PinholeEvent::Kind::Deleted);
    CHECK(mapper.pinholes().size() == 1);
    CHECK(mapper.pinholes().size_of({0, kPcMac}) == 0);
  }

  TEST_CASE("allow_pinholes=no refuses all of them with 703") {
    Policy policy = usual_policy();
    policy.allow_pinholes = false;
    Mapper mapper = a_mapper(policy);
    const auto request = a_pinhole_request();
    for (const ServiceRequest& each :
         {request.add(), request.update(1), request.remove(1), request.packets(1)})
      CHECK(error_of(mapper.handle(each, at_second(0))) == 703);
    CHECK_FALSE(mapper.handle(request.timeout(), at_second(0)).reply);
    CHECK_FALSE(mapper.restore(a_pinhole(), at_second(0)));
    CHECK(mapper.pinholes().size() == 0);
    const std::vector held{a_pinhole()};
    CHECK(mapper.reconcile(held).size() == 1);  // closes what is open
  }

  TEST_CASE("mappings and pinholes share the quotas of a host and of the router") {
    Policy policy = usual_policy();
    policy.limits.mappings_per_host = 2;
    policy.limits.mappings = 3;
    Mapper mapper = a_mapper(policy);
    REQUIRE(error_of(mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0))) == 0);
    added(mapper, a_pinhole_request());
    CHECK(error_of(mapper.handle(a_request().tcp(8081, 8081).add(), at_second(0))) == 728);
    CHECK(error_of(mapper.handle(a_pinhole_request().to(kPc6, 4001).add(), at_second(0))) == 701);
    CHECK(id_of(added(mapper, a_pinhole_request().lease(9))) == 1);  // a renewal needs no room
    const auto console = a_pinhole_request().from(kConsole);
    CHECK(id_of(added(mapper, PinholeRequestBuilder(console).to(kConsole6, 4000))) == 2);
    CHECK(error_of(mapper.handle(PinholeRequestBuilder(console).to(kConsole6, 4001).add(),
                                 at_second(0))) == 701);
  }

  TEST_CASE("what the kernel refuses leaves no trace, a renewal leaves the former lease") {
    Mapper mapper = a_mapper();
    added(mapper, a_pinhole_request().lease(60));
    mapper.handle(a_pinhole_request().lease(3600).add(), at_second(0));
    mapper.handle(a_pinhole_request().protocol(6).add(), at_second(0));
    mapper.handle(a_pinhole_request().remove(1), at_second(0));
    mapper.revert();
    REQUIRE(mapper.pinholes().size() == 1);
    CHECK(mapper.pinholes().find(*UniqueId::parse(1))->expires == at_second(60));
  }

  TEST_CASE("a lease that is over is an event, and max_lease makes it shorter") {
    Policy policy = usual_policy();
    policy.limits.lease = std::chrono::seconds(100);
    Mapper mapper = a_mapper(policy);
    added(mapper, a_pinhole_request().lease(3600));
    CHECK(mapper.tick(at_second(99)).pinhole_events.empty());
    const Outcome ended = mapper.tick(at_second(100));
    REQUIRE(ended.pinhole_events.size() == 1);
    CHECK(ended.pinhole_events[0].kind == PinholeEvent::Kind::Expired);
    CHECK(std::holds_alternative<ClosePinhole>(ended.changes[0]));
    CHECK_FALSE(mapper.next_deadline());
  }

  TEST_CASE("restored pinholes keep their ids, and new ones come after") {
    Mapper mapper = a_mapper();
    CHECK(mapper.restore(a_pinhole(7), at_second(0)));
    CHECK(mapper.restore(a_pinhole(9, 4001), at_second(0)));
    CHECK_FALSE(mapper.restore(a_pinhole(9, 4002), at_second(0)));  // the id is taken
    CHECK_FALSE(mapper.restore(a_pinhole(6, 80), at_second(0)));    // policy does not permit it
    CHECK(id_of(added(mapper, a_pinhole_request().to(kPc6, 5000))) == 10);
    CHECK(id_of(added(mapper, a_pinhole_request())) == 7);
  }

  TEST_CASE("what the kernel holds is made what the table says, ticks apart") {
    Mapper mapper = a_mapper();
    REQUIRE(mapper.restore(a_pinhole(7, 4000, 60), at_second(0)));
    REQUIRE(mapper.restore(a_pinhole(8, 4001, 60), at_second(0)));
    std::vector held{a_pinhole(7, 4000, 60), a_pinhole(8, 4001, 90), a_pinhole(9, 4002, 60)};
    held[0].expires += std::chrono::milliseconds(10);
    const auto changes = mapper.reconcile(held);
    REQUIRE(changes.size() == 3);
    CHECK(std::get<ClosePinhole>(changes[0]).pinhole.id.number() == 8);
    CHECK(std::get<ClosePinhole>(changes[1]).pinhole.id.number() == 9);
    CHECK(std::get<OpenPinhole>(changes[2]).pinhole.expires == at_second(60));
    mapper.forget(a_pinhole(8, 4001).key);
    CHECK(mapper.pinholes().size() == 1);
  }
}
