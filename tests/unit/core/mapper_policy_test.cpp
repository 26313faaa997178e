#include <doctest/doctest.h>

#include "mapper.h"
#include "pinhole_builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

PermissionLine a_line(PermissionLine::Verdict verdict, PortRange ports, const char* where) {
  const auto everyone = *Ipv4Network::make(Ipv4Address::from_host_order(0), 0);
  return {verdict, ports, everyone, {0, 65535}, std::nullopt, where};
}

Policy that_denies(PortRange ports) {
  Policy policy = usual_policy();
  policy.permissions.insert(policy.permissions.begin(),
                            a_line(PermissionLine::Verdict::Deny, ports, "upnpd.conf:3"));
  return policy;
}

// 8080, 8081 and 8082 of the PC, the last for a minute, and a pinhole to its port 4000.
Mapper a_busy_mapper() {
  Mapper mapper(usual_policy());
  mapper.set_surroundings(home_with_ipv6());
  mapper.handle(a_request().tcp(8080, 8000).lease(0).v1().add(), at_second(0));
  mapper.handle(a_request().tcp(8081, 8001).add(), at_second(0));
  mapper.handle(a_request().tcp(8082, 8002).lease(60).add(), at_second(0));
  mapper.handle(a_pinhole_request().add(), at_second(0));
  mapper.confirm();
  return mapper;
}

}  // namespace

TEST_SUITE("mapper_policy") {
  TEST_CASE("what a new policy forbids is deleted with the reason, nothing else is touched") {
    Mapper mapper = a_busy_mapper();
    const PortMapping kept = *mapper.table().find(MappingId{3});
    const Outcome outcome = mapper.set_policy(that_denies({8080, 8081}));
    REQUIRE(outcome.events.size() == 2);
    for (const MappingEvent& event : outcome.events) {
      CHECK(event.kind == MappingEvent::Kind::Deleted);
      CHECK(event.reason == "denied by upnpd.conf:3");
      CHECK(closed_by(event));
    }
    CHECK(outcome.changes.size() == 4);  // each mapping and its way out
    CHECK(outcome.pinhole_events.empty());
    REQUIRE(mapper.table().size() == 1);
    CHECK(mapper.table().at(0)->id == kept.id);
    CHECK(mapper.table().at(0)->expires == kept.expires);
    CHECK(mapper.system_update_id() == 5);
  }

  TEST_CASE("the same policy again changes nothing") {
    Mapper mapper = a_busy_mapper();
    const Outcome outcome = mapper.set_policy(usual_policy());
    CHECK(outcome.changes.empty());
    CHECK(outcome.events.empty());
    CHECK(mapper.system_update_id() == 3);
  }

  TEST_CASE("when the kernel refuses the deletions, the entries are still there") {
    Mapper mapper = a_busy_mapper();
    mapper.set_policy(that_denies({0, 65535}));
    CHECK(mapper.table().size() == 0);
    CHECK(mapper.pinholes().size() == 0);
    mapper.revert();
    CHECK(mapper.table().size() == 3);
    CHECK(mapper.pinholes().size() == 1);
  }

  TEST_CASE("pinholes end with allow_pinholes, or by a line for their port") {
    Mapper mapper = a_busy_mapper();
    Policy policy = that_denies({4000, 4000});
    const Outcome by_line = mapper.set_policy(policy);
    REQUIRE(by_line.pinhole_events.size() == 1);
    CHECK(by_line.pinhole_events[0].reason == "denied by upnpd.conf:3");
    CHECK(mapper.table().size() == 3);
    mapper.revert();
    policy = usual_policy();
    policy.allow_pinholes = false;
    const Outcome by_switch = mapper.set_policy(policy);
    REQUIRE(by_switch.pinhole_events.size() == 1);
    CHECK(by_switch.pinhole_events[0].reason == "allow_pinholes is no");
    CHECK(mapper.pinholes().size() == 0);
  }

  TEST_CASE("secure_mode ends the mappings that somebody else asked for, also at a restart") {
    Policy open = usual_policy();
    open.secure_mode = false;
    Mapper mapper(open);
    mapper.set_surroundings(home());
    mapper.handle(a_request().tcp(8080, 8000).client(kConsole).add(), at_second(0));
    mapper.handle(a_request().tcp(8081, 8081).add(), at_second(0));
    const auto anothers = std::vector{*mapper.table().find(MappingId{1})};
    const Outcome outcome = mapper.set_policy(usual_policy());
    REQUIRE(outcome.events.size() == 1);
    CHECK(outcome.events[0].mapping.id == 1);
    CHECK_FALSE(Mapper(usual_policy()).restore(anothers[0], at_second(1)));
  }

  TEST_CASE("leases given stay, new ones are cut; quotas count what is there") {
    Mapper mapper = a_busy_mapper();
    Policy policy = usual_policy();
    policy.limits.lease = std::chrono::seconds(10);
    policy.limits.mappings = 2;
    CHECK(mapper.set_policy(policy).events.empty());
    CHECK_FALSE(mapper.table().find(MappingId{1})->expires);
    CHECK(mapper.table().find(MappingId{3})->expires == at_second(60));
    mapper.handle(a_request().tcp(8082, 8002).lease(60).add(), at_second(1));
    CHECK(mapper.table().find(MappingId{3})->expires == at_second(11));
    const Outcome refused = mapper.handle(a_request().tcp(8083, 8003).add(), at_second(1));
    CHECK(refused.reason == "max_mappings 2 is reached");
  }

  TEST_CASE("a new rate of requests holds at once") {
    Mapper mapper = a_busy_mapper();
    Policy policy = usual_policy();
    policy.limits.requests_per_second = 1;
    mapper.set_policy(policy);
    const auto is_limited = [&] {
      return mapper.handle(a_request().get_at(0), at_second(5)).reason.has_value();
    };
    CHECK_FALSE(is_limited());
    CHECK_FALSE(is_limited());
    CHECK(is_limited());
  }
}
