#include <doctest/doctest.h>

#include <algorithm>

#include "evented_variables.h"

using namespace upnpd;
using namespace upnpd::announcer;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view kUuid = "00000000-0000-4000-8000-00000000000a";
const BootTime kStart{milliseconds(1'000'000)};

StateVariables connected() {
  return {.connection_status = ConnectionStatus::Connected,
          .external_address = Ipv4Address::parse("203.0.113.1"),
          .port_mapping_number_of_entries = 0,
          .system_update_id = 0,
          .link_up = true,
          .inbound_pinhole_allowed = true};
}

StateVariables with_mappings(std::uint16_t entries) {
  StateVariables state = connected();
  state.port_mapping_number_of_entries = entries;
  state.system_update_id = entries;
  return state;
}

std::string value_in(const std::vector<Event>& events, Document document, std::string_view name) {
  for (const Event& event : events)
    for (const EventedVariable& each : event.variables)
      if (event.document == document && each.name == name) return each.value;
  return "not told";
}

std::size_t variables_in(const std::vector<Event>& events) {
  std::size_t count = 0;
  for (const Event& event : events)
    count += event.variables.size();
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("evented_variables");

TEST_CASE("a service has its evented variables, SystemUpdateID only in IGD:2") {
  const auto v1 = evented_variables(Document::Igd1, "WANIPConn1", connected(), kUuid);
  const auto v2 = evented_variables(Document::Igd2, "WANIPConn1", connected(), kUuid);
  REQUIRE(v1.size() == 4);
  REQUIRE(v2.size() == 5);
  CHECK(v1[0] == EventedVariable{"PossibleConnectionTypes", "IP_Routed", false});
  CHECK(v1[1].value == "Connected");
  CHECK(v1[2].value == "203.0.113.1");
  CHECK(v1[3].moderated);
  CHECK(v2[4].name == "SystemUpdateID");
  CHECK(evented_variables(Document::Igd1, "WANIPv6Firewall1", connected(), kUuid).empty());
  StateVariables closed = connected();
  closed.inbound_pinhole_allowed = false;
  const auto firewall = evented_variables(Document::Igd2, "WANIPv6Firewall1", closed, kUuid);
  REQUIRE(firewall.size() == 2);
  CHECK(firewall[0] == EventedVariable{"FirewallEnabled", "1", false});
  CHECK(firewall[1] == EventedVariable{"InboundPinholeAllowed", "0", false});
  CHECK(evented_variables(Document::Igd1, "", connected(), kUuid).empty());
}

TEST_CASE("an address that is not known is the empty string") {
  StateVariables state = connected();
  state.external_address.reset();
  CHECK(evented_variables(Document::Igd1, "WANIPConn1", state, kUuid)[2].value.empty());
}

TEST_CASE("DefaultConnectionService names the connection device of its own document") {
  CHECK(evented_variables(Document::Igd1, "L3Forwarding1", connected(), kUuid)[0].value ==
        "uuid:00000000-0000-4000-8000-00000000000c:WANConnectionDevice:1,urn:upnp-org:serviceId:"
        "WANIPConn1");
  CHECK(evented_variables(Document::Igd2, "L3Forwarding1", connected(), kUuid)[0].value ==
        "uuid:00000000-0000-4000-8000-00000000000c:WANConnectionDevice:2,urn:upnp-org:serviceId:"
        "WANIPConn1");
}

TEST_CASE("only what changed is told, to both documents") {
  EventModerator moderator{std::string(kUuid), connected()};
  CHECK(moderator.update(connected(), kStart).empty());
  StateVariables down = connected();
  down.link_up = false;
  const auto events = moderator.update(down, kStart);
  CHECK(variables_in(events) == 2);
  CHECK(value_in(events, Document::Igd1, "PhysicalLinkStatus") == "Down");
  CHECK(value_in(events, Document::Igd2, "PhysicalLinkStatus") == "Down");
  CHECK(moderator.update(down, kStart).empty());
}

TEST_CASE("the counters are told at most once in 200 ms, and their last value always") {
  EventModerator moderator{std::string(kUuid), connected()};
  std::vector<std::string> told;
  const auto note = [&](const std::vector<Event>& events) {
    if (!events.empty()) told.push_back(value_in(events, Document::Igd2, "SystemUpdateID"));
  };
  BootTime now = kStart;
  for (std::uint16_t i = 1; i <= 500; ++i, now += milliseconds(1)) {
    note(moderator.update(with_mappings(i), now));
    const auto wait = moderator.wait(now);
    CHECK((!wait || *wait <= kModeration));
    if (wait && *wait == milliseconds(0)) note(moderator.due(now));
  }
  REQUIRE(moderator.wait(now));
  now += *moderator.wait(now);
  note(moderator.due(now));
  CHECK(told == std::vector<std::string>{"1", "201", "401", "500"});
  CHECK_FALSE(moderator.wait(now));
  CHECK(moderator.due(now + kModeration).empty());
}

TEST_CASE("an address is told at once, also while the counters are held back") {
  EventModerator moderator{std::string(kUuid), connected()};
  moderator.update(with_mappings(1), kStart);
  StateVariables state = with_mappings(2);
  state.external_address = Ipv4Address::parse("203.0.113.7");
  const auto events = moderator.update(state, kStart + milliseconds(10));
  CHECK(value_in(events, Document::Igd1, "ExternalIPAddress") == "203.0.113.7");
  CHECK(value_in(events, Document::Igd1, "PortMappingNumberOfEntries") == "not told");
  CHECK(moderator.wait(kStart + milliseconds(10)) == milliseconds(190));
}

TEST_CASE("a counter that returns to what was told is not told") {
  EventModerator moderator{std::string(kUuid), connected()};
  moderator.update(with_mappings(1), kStart);
  moderator.update(with_mappings(2), kStart + milliseconds(10));
  moderator.update(with_mappings(1), kStart + milliseconds(20));
  CHECK_FALSE(moderator.wait(kStart + milliseconds(20)));
}

TEST_CASE("a reminder touches each of the seven services with one variable") {
  const EventModerator moderator{std::string(kUuid), connected()};
  const auto events = moderator.reminder();
  CHECK(events.size() == 7);
  CHECK(variables_in(events) == 7);
}

TEST_SUITE_END();
