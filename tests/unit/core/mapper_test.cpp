#include "mapper.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

Mapper a_mapper(Policy policy = usual_policy()) {
  Mapper mapper(std::move(policy));
  mapper.set_surroundings(home());
  return mapper;
}

std::optional<UpnpError> error_of(const Outcome& outcome) {
  const auto* const refused = std::get_if<Refused>(&*outcome.reply);
  return refused == nullptr ? std::nullopt : std::optional(refused->error);
}

template <class Change>
std::size_t count(const Outcome& outcome) {
  return std::size_t(std::ranges::count_if(
      outcome.changes, [](const NatChange& c) { return std::holds_alternative<Change>(c); }));
}

}  // namespace

TEST_SUITE("mapper") {
  using enum UpnpError;

  TEST_CASE("an added mapping is answered, listed, and put into the kernel with its way out") {
    Mapper mapper = a_mapper();
    const Outcome outcome =
        mapper.handle(a_request().tcp(8080, 8000).lease(60).add(), at_second(0));
    CHECK(std::holds_alternative<Done>(*outcome.reply));
    CHECK(count<AddMapping>(outcome) == 1);
    CHECK(count<AddOutward>(outcome) == 1);
    CHECK(outcome.events.size() == 1);
    const auto entry = std::get<Entry>(*mapper.handle(a_request().get_at(0), at_second(10)).reply);
    CHECK(entry.lease_duration == 50);
    CHECK(entry.internal_port.number() == 8000);
    CHECK(mapper.system_update_id() == 1);
  }

  TEST_CASE("adding again renews: same id, the old element out and the new one in") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().lease(60).add(), at_second(0));
    const Outcome outcome =
        mapper.handle(a_request().lease(60).described("new").add(), at_second(30));
    CHECK(count<RemoveMapping>(outcome) == 1);
    CHECK(count<AddMapping>(outcome) == 1);
    CHECK(mapper.table().size() == 1);
    CHECK(mapper.table().at(0)->id == 1);
    CHECK(mapper.table().at(0)->expires == at_second(90));
    CHECK(mapper.table().at(0)->description.text() == "new");
  }

  TEST_CASE("another client's port is a conflict, and AddAnyPortMapping finds another port") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().from(kPc).tcp(8080, 8080).add(), at_second(0));
    CHECK(error_of(mapper.handle(a_request().from(kConsole).tcp(8080, 8080).add(), at_second(0))) ==
          ConflictInMappingEntry);
    CHECK(error_of(mapper.handle(
              a_request().from(kConsole).tcp(8080, 8080).remote(at("203.0.113.9")).add(),
              at_second(0))) == ConflictInMappingEntry);
    const auto outcome =
        mapper.handle(a_request().from(kConsole).tcp(8080, 8080).add_any(), at_second(0));
    CHECK(std::get<Reserved>(*outcome.reply).port.number() == 8081);
  }

  TEST_CASE("a port that something else serves is not mapped, but stays with who has it") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0));
    PortsInUse ports;
    ports.add(Protocol::TCP, 8080, 8080, PortsInUse::By::Listener);
    ports.add(Protocol::TCP, 8081, 8083, PortsInUse::By::StaticRedirect);
    mapper.set_ports_in_use(ports);
    CHECK_FALSE(error_of(mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0))));
    CHECK(error_of(mapper.handle(a_request().from(kConsole).tcp(8080, 8080).add(), at_second(0))) ==
          ConflictInMappingEntry);
    for (const std::uint16_t port : {std::uint16_t{8081}, std::uint16_t{8083}}) {
      CHECK(error_of(mapper.handle(a_request().tcp(port, 8080).add(), at_second(0))) ==
            ConflictWithOtherMechanisms);
      CHECK(error_of(mapper.handle(a_request().v1().tcp(port, 8080).add(), at_second(0))) ==
            ConflictInMappingEntry);
    }
    CHECK_FALSE(error_of(mapper.handle(a_request().udp(8081, 8080).add(), at_second(0))));
    const auto outcome = mapper.handle(a_request().tcp(8081, 8080).add_any(), at_second(0));
    CHECK(std::get<Reserved>(*outcome.reply).port.number() == 8084);
  }

  TEST_CASE("one client may have a port for all and for one RemoteHost side by side") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0));
    CHECK_FALSE(error_of(
        mapper.handle(a_request().tcp(8080, 8081).remote(at("203.0.113.9")).add(), at_second(0))));
    CHECK(mapper.table().size() == 2);
  }

  TEST_CASE("deleting needs the key and the right") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().from(kPc).tcp(8080, 8080).add(), at_second(0));
    CHECK(error_of(mapper.handle(a_request().from(kPc).udp(8080, 1).remove(), at_second(0))) ==
          NoSuchEntryInArray);
    CHECK(error_of(mapper.handle(a_request().from(kConsole).tcp(8080, 1).remove(), at_second(0))) ==
          ActionNotAuthorized);
    const Outcome outcome =
        mapper.handle(a_request().from(kPc).tcp(8080, 1).remove(), at_second(0));
    CHECK_FALSE(error_of(outcome));
    CHECK(count<RemoveMapping>(outcome) == 1);
    CHECK(count<RemoveOutward>(outcome) == 1);
    CHECK(mapper.table().size() == 0);
  }

  TEST_CASE("a host sees its own mappings in an array of its own") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().from(kPc).tcp(8080, 8080).add(), at_second(0));
    mapper.handle(a_request().from(kConsole).tcp(8081, 8080).add(), at_second(0));
    CHECK(std::get<Entry>(*mapper.handle(a_request().from(kConsole).get_at(0), at_second(0)).reply)
              .key.external_port.number() == 8081);
    CHECK(error_of(mapper.handle(a_request().from(kConsole).get_at(1), at_second(0))) ==
          SpecifiedArrayIndexInvalid);
    CHECK(error_of(mapper.handle(a_request().from(kConsole).tcp(8080, 1).get(), at_second(0))) ==
          ActionNotAuthorized);
  }

  TEST_CASE("policy comes before quota, quota before conflict") {
    Policy policy = usual_policy();
    policy.limits.mappings_per_host = 1;
    policy.limits.mappings = 2;
    Mapper mapper = a_mapper(policy);
    mapper.handle(a_request().from(kPc).tcp(8080, 8080).add(), at_second(0));
    CHECK(error_of(mapper.handle(a_request().from(kPc).tcp(80, 8080).add(), at_second(0))) ==
          ActionNotAuthorized);
    CHECK(error_of(mapper.handle(a_request().from(kPc).tcp(8081, 8080).add(), at_second(0))) ==
          NoPortMapsAvailable);
    CHECK(error_of(mapper.handle(a_request().v1().from(kPc).tcp(8081, 8080).add(), at_second(0))) ==
          ActionFailed);
    CHECK_FALSE(error_of(
        mapper.handle(a_request().from(kPc).tcp(8080, 8080).add(), at_second(0))));  // a renewal
    mapper.handle(a_request().from(kConsole).tcp(8081, 8080).add(), at_second(0));
    CHECK(error_of(mapper.handle(a_request().from(at("192.168.77.12")).tcp(8080, 8080).add(),
                                 at_second(0))) == NoPortMapsAvailable);
  }

  TEST_CASE("a lease that is over is gone, with its events and its way out") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().tcp(8080, 8080).lease(10).add(), at_second(0));
    mapper.handle(a_request().tcp(8081, 8081).lease(20).add(), at_second(0));
    CHECK(mapper.next_deadline() == at_second(10));
    CHECK(mapper.tick(at_second(9)).events.empty());
    const Outcome outcome = mapper.tick(at_second(10));
    REQUIRE(outcome.events.size() == 1);
    CHECK(outcome.events[0].kind == MappingEvent::Kind::Expired);
    CHECK(mapper.next_deadline() == at_second(20));
    CHECK(mapper.table().size() == 1);
  }

  TEST_CASE("two mappings to one endpoint: when the first goes, the way out changes hands") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().udp(4000, 3074).add(), at_second(0));
    const Outcome second =
        mapper.handle(a_request().udp(4001, 3074).lease(7200).add(), at_second(0));
    CHECK(count<AddOutward>(second) == 1);  // forwarding lasts longer now
    const Outcome outcome = mapper.handle(a_request().udp(4000, 3074).remove(), at_second(0));
    REQUIRE(count<AddOutward>(outcome) == 1);
    CHECK(std::get<AddOutward>(outcome.changes.back()).outward.external_port.number() == 4001);
  }

  TEST_CASE("a disabled mapping is kept and listed but never in the kernel") {
    Mapper mapper = a_mapper();
    const Outcome added = mapper.handle(a_request().disabled().add(), at_second(0));
    CHECK(added.changes.empty());
    CHECK_FALSE(std::get<Entry>(*mapper.handle(a_request().get_at(0), at_second(0)).reply).enabled);
    const Outcome enabled = mapper.handle(a_request().add(), at_second(0));
    CHECK(count<RemoveMapping>(enabled) == 0);
    CHECK(count<AddMapping>(enabled) == 1);
  }

  TEST_CASE(
      "flows lose their way when a mapping goes, is disabled or leads elsewhere, not when it is "
      "renewed") {
    Mapper mapper = a_mapper();
    const auto closed = [&](const ServiceRequest& request) {
      return closed_by(mapper.handle(request, at_second(0)).events.at(0)).has_value();
    };
    CHECK_FALSE(closed(a_request().tcp(8080, 8000).add()));
    CHECK_FALSE(closed(a_request().tcp(8080, 8000).lease(9).add()));
    CHECK(closed(a_request().tcp(8080, 8001).add()));
    CHECK(closed(a_request().tcp(8080, 8001).disabled().add()));
    CHECK(closed(a_request().tcp(8080, 8001).remove()));
  }

  TEST_CASE("a mapping opens what it leads elsewhere, a renewal and one that is disabled nothing") {
    Mapper mapper = a_mapper();
    const auto opened = [&](const ServiceRequest& request) {
      return opens(mapper.handle(request, at_second(0)).events.at(0));
    };
    CHECK(opened(a_request().udp(8080, 8000).add()));
    CHECK_FALSE(opened(a_request().udp(8080, 8000).lease(9).add()));
    CHECK(opened(a_request().udp(8080, 8001).add()));
    CHECK_FALSE(opened(a_request().udp(8080, 8001).disabled().add()));
    CHECK(opened(a_request().udp(8080, 8001).add()));
    CHECK_FALSE(opened(a_request().udp(8080, 8001).remove()));
    CHECK_FALSE(opened(a_request().udp(8080, 8001).disabled().add()));
  }

  TEST_CASE("a revert undoes everything since the last confirm, in any mixture") {
    Mapper mapper = a_mapper();
    mapper.handle(a_request().tcp(8080, 8080).lease(60).add(), at_second(0));
    mapper.confirm();
    mapper.handle(a_request().tcp(8080, 9999).lease(90).add(), at_second(5));
    mapper.handle(a_request().tcp(8081, 8081).add(), at_second(5));
    mapper.handle(a_request().tcp(8080, 1).remove(), at_second(5));
    mapper.revert();
    CHECK(mapper.table().size() == 1);
    CHECK(mapper.table().at(0)->internal_port.number() == 8080);
    CHECK(mapper.table().at(0)->expires == at_second(60));
    CHECK(mapper.system_update_id() == 1);
  }

  TEST_CASE("what is restored and still held needs no change, what the kernel lost is put back") {
    Mapper mapper = a_mapper();
    const PortMapping held = a_mapping().tcp(8080, 8000).id(7).until(60);
    const PortMapping lost = a_mapping().tcp(8081, 8001).id(9).until(60);
    CHECK(mapper.restore(held, at_second(0)));
    CHECK(mapper.reconcile(std::array{held}).empty());
    CHECK(mapper.restore(lost, at_second(0)));
    const auto changes = mapper.reconcile(std::array{held});
    REQUIRE(changes.size() == 1);
    CHECK(std::get<AddMapping>(changes[0]).mapping.key == lost.key);
    CHECK(mapper.next_id() == 10);
  }

  TEST_CASE("what policy no longer permits does not come back, and leases are cut to the longest") {
    Policy policy = usual_policy();
    policy.limits.lease = std::chrono::seconds(60);
    Mapper mapper = a_mapper(policy);
    CHECK_FALSE(mapper.restore(a_mapping().tcp(80, 8000), at_second(0)));
    CHECK(mapper.restore(a_mapping().tcp(8080, 8000), at_second(0)));
    CHECK(mapper.restore(a_mapping().tcp(8081, 8000).id(2).until(9), at_second(0)));
    CHECK(mapper.table().size() == 2);
    CHECK(mapper.table().find(MappingId{1})->expires == at_second(60));
    CHECK(mapper.table().find(MappingId{2})->expires == at_second(9));
  }

  TEST_CASE(
      "elements that differ from the table, or that it does not know, are replaced and removed") {
    Mapper mapper = a_mapper();
    const PortMapping mapping = a_mapping().udp(4000, 3074).until(60).id(1);
    CHECK(mapper.restore(mapping, at_second(0)));
    const PortMapping elsewhere = a_mapping().udp(4000, 3075).until(60).id(1);
    CHECK(mapper.reconcile(std::array{elsewhere}).size() == 2);
    const PortMapping longer = a_mapping().udp(4000, 3074).until(90).id(1);
    CHECK(mapper.reconcile(std::array{longer}).size() == 2);
    const PortMapping stranger = a_mapping().udp(4001, 3074).id(0);
    const auto changes = mapper.reconcile(std::array{mapping, stranger});
    REQUIRE(changes.size() == 1);
    CHECK(std::get<RemoveMapping>(changes[0]).mapping.key == stranger.key);
  }

  TEST_CASE("a rewrite is given one outward mapping for each endpoint") {
    Mapper mapper = a_mapper();
    const PortMapping first = a_mapping().udp(4000, 3074).until(60).id(1);
    CHECK(mapper.restore(first, at_second(0)));
    CHECK(mapper.restore(a_mapping().udp(4001, 3074).until(90).id(2), at_second(0)));
    CHECK(mapper.restore(a_mapping().udp(3999, 3073).id(3), at_second(0)));
    CHECK(mapper.restore(a_mapping().tcp(5000, 3074).id(4).disabled(), at_second(0)));
    const auto changes = mapper.outward_mappings();
    REQUIRE(changes.size() == 2);
    CHECK(std::get<AddOutward>(changes[0]).outward.external_port.number() == 3999);
    CHECK(std::get<AddOutward>(changes[1]).outward == OutwardMapping{endpoint_of(first),
                                                                     first.key.external_port,
                                                                     at_second(60), at_second(90)});
  }

  TEST_CASE("a mapping remembers its host as it was last asked for, and can be taken by that") {
    constexpr MacAddress kFirst{2, 0, 0, 0, 0, 1}, kSecond{2, 0, 0, 0, 0, 2};
    Mapper mapper = a_mapper();
    mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0));
    CHECK(mapper.table().find(MappingId{1})->host == MacAddress{});
    Neighbours neighbours;
    neighbours.add(0, kPc, kFirst);
    neighbours.add(1, kPc, kSecond);
    mapper.set_neighbours(neighbours);
    mapper.handle(a_request().tcp(8080, 8080).add(), at_second(0));
    mapper.handle(a_request().tcp(8081, 8081).v1().lease(0).add(), at_second(0));
    mapper.handle(a_request().from(kConsole).tcp(8082, 8082).add(), at_second(0));
    CHECK(mapper.table().find(MappingId{1})->host == kFirst);
    CHECK(mapper.table().find(MappingId{3})->host == MacAddress{});
    mapper.confirm();

    const auto update_id = mapper.system_update_id();
    const Outcome permanent =
        mapper.remove_of(kPc, [](const PortMapping& mapping) { return !mapping.expires; });
    CHECK(permanent.events.size() == 1);
    CHECK(count<RemoveMapping>(permanent) == 1);
    CHECK(mapper.table().find(MappingId{2}) == nullptr);
    CHECK(mapper.system_update_id() == update_id + 1);
    CHECK(mapper.table().clients().size() == 2);
    CHECK(mapper.remove_of(kPc, [](const PortMapping&) { return false; }).events.empty());
    mapper.revert();
    CHECK(mapper.table().size() == 3);
  }

  TEST_CASE("a hardware address is a host on its own LAN alone") {
    constexpr MacAddress kBoth{2, 0, 0, 0, 0, 1};
    const Ipv4Address guest = at("192.168.78.30");
    Policy policy = usual_policy();
    policy.limits.mappings_per_host = 1;
    Mapper mapper = a_mapper(policy);
    Neighbours neighbours;
    neighbours.add(0, kPc, kBoth);
    neighbours.add(1, guest, kBoth);
    mapper.set_neighbours(neighbours);
    CHECK_FALSE(error_of(
        mapper.handle(a_request().from(guest).lan(1).tcp(8080, 8080).add(), at_second(0))));
    CHECK_FALSE(error_of(mapper.handle(a_request().from(kPc).tcp(8081, 8080).add(), at_second(0))));
    CHECK(error_of(mapper.handle(a_request().from(kPc).tcp(8082, 8080).add(), at_second(0))) ==
          NoPortMapsAvailable);
  }

  TEST_CASE("a host has one quota, however many addresses it has") {
    constexpr MacAddress kHost{2, 0, 0, 0, 0, 1}, kOther{2, 0, 0, 0, 0, 2};
    const Ipv4Address alias = at("192.168.77.110"), former = at("192.168.77.111");
    Policy policy = usual_policy();
    policy.limits.mappings_per_host = 3;
    Mapper mapper = a_mapper(policy);
    Neighbours neighbours;
    neighbours.add(0, former, kHost);
    mapper.set_neighbours(neighbours);
    CHECK_FALSE(
        error_of(mapper.handle(a_request().from(former).tcp(8080, 8080).add(), at_second(0))));
    neighbours = {};  // the neighbour table has forgotten that one
    neighbours.add(0, kPc, kHost);
    neighbours.add(0, alias, kHost);
    neighbours.add(0, kConsole, kOther);
    mapper.set_neighbours(neighbours);
    CHECK_FALSE(error_of(mapper.handle(a_request().from(kPc).tcp(8081, 8080).add(), at_second(0))));
    CHECK_FALSE(
        error_of(mapper.handle(a_request().from(alias).tcp(8082, 8080).add(), at_second(0))));
    for (const Ipv4Address each : {kPc, alias}) {
      const Outcome outcome =
          mapper.handle(a_request().from(each).tcp(8083, 8080).add(), at_second(0));
      CHECK(error_of(outcome) == NoPortMapsAvailable);
      CHECK(outcome.reason->ends_with("by the addresses of " + to_string(kHost)));
    }
    CHECK_FALSE(error_of(mapper.handle(a_request().from(kPc).tcp(8081, 8080).add(), at_second(0))));
    CHECK_FALSE(
        error_of(mapper.handle(a_request().from(kConsole).tcp(8083, 8080).add(), at_second(0))));
    // Of whom no hardware address is known, as behind another router, is counted by his address.
    const auto unknown = at("192.168.77.112");
    CHECK_FALSE(
        error_of(mapper.handle(a_request().from(unknown).tcp(8084, 8080).add(), at_second(0))));
  }

  TEST_CASE("more requests than the limit are refused until time has passed") {
    Policy policy = usual_policy();
    policy.limits.requests_per_second = 5;
    Mapper mapper = a_mapper(policy);
    for (int i = 0; i < 10; ++i)
      CHECK(error_of(mapper.handle(a_request().get_at(0), at_second(0))) ==
            SpecifiedArrayIndexInvalid);
    CHECK(error_of(mapper.handle(a_request().get_at(0), at_second(0))) == ActionFailed);
    CHECK(error_of(mapper.handle(a_request().from(kConsole).get_at(0), at_second(0))) ==
          SpecifiedArrayIndexInvalid);
  }

  TEST_CASE("a request that is decided twice counts once against the rate") {
    Policy policy = usual_policy();
    policy.limits.requests_per_second = 2;
    Mapper mapper = a_mapper(policy);
    const auto add = [](std::uint16_t port) { return a_request().tcp(port, 8080).add(); };
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{4000, 4001, 4002}) {
      const Outcome first = mapper.handle(add(port), at_second(0));
      mapper.revert();
      CHECK_FALSE(error_of(mapper.handle_again(add(port), first, at_second(0))));
      mapper.confirm();
    }
    CHECK_FALSE(error_of(mapper.handle(add(4003), at_second(0))));
    const Outcome too_many = mapper.handle(add(4004), at_second(0));
    CHECK(error_of(too_many) == ActionFailed);
    CHECK(error_of(mapper.handle_again(add(4004), too_many, at_second(0))) == ActionFailed);
  }
}
