#include "mapping_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <ranges>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

// What MappingTable::outward() promises, by looking at every mapping (all open to any RemoteHost).
std::optional<OutwardMapping> outward_of(const std::map<std::uint16_t, PortMapping>& model,
                                         const Endpoint& endpoint) {
  std::optional<OutwardMapping> outward;
  BootTime last = BootTime::min();
  for (const auto& [id, mapping] : model) {
    if (!mapping.enabled || endpoint_of(mapping) != endpoint) continue;
    if (!outward) outward = {endpoint, mapping.key.external_port, mapping.expires, std::nullopt};
    last = std::max(last, mapping.expires.value_or(BootTime::max()));
  }
  if (outward && last != BootTime::max()) outward->forward_expires = last;
  return outward;
}

}  // namespace

TEST_SUITE("mapping_table") {
  TEST_CASE("entries are found by their whole key") {
    MappingTable table;
    table.put(a_mapping().tcp(8080, 80).id(1));
    table.put(a_mapping().tcp(8080, 81).from("203.0.113.9").id(2));
    table.put(a_mapping().udp(8080, 82).id(3));
    CHECK(table.size() == 3);
    CHECK(table.find(PortMapping(a_mapping().tcp(8080, 1).from("203.0.113.9")).key)->id == 2);
    CHECK(table.find(PortMapping(a_mapping().tcp(8081, 1)).key) == nullptr);
    CHECK(table.find(MappingId{3})->internal_port.number() == 82);
    CHECK(table.find(MappingId{4}) == nullptr);
  }

  TEST_CASE("a conflict is another client on the port, whatever the RemoteHost") {
    MappingTable table;
    table.put(a_mapping().tcp(8080, 80).to(kPc).from("203.0.113.9"));
    const auto port = *ExternalPort::parse(8080);
    CHECK(table.find_conflict(Protocol::TCP, port, *InternalClient::parse(kConsole)) != nullptr);
    CHECK(table.find_conflict(Protocol::TCP, port, *InternalClient::parse(kPc)) == nullptr);
    CHECK(table.find_conflict(Protocol::UDP, port, *InternalClient::parse(kConsole)) == nullptr);
    CHECK(table.find_conflict(Protocol::TCP, *ExternalPort::parse(8079),
                              *InternalClient::parse(kConsole)) == nullptr);
  }

  TEST_CASE(
      "a flow has a way while its mapping, or one for any RemoteHost, leads to the same place") {
    MappingTable table;
    const PortMapping of_one = a_mapping().tcp(8080, 80).from("203.0.113.9");
    CHECK_FALSE(table.covers(of_one));
    table.put(a_mapping().tcp(8080, 81).id(1));
    CHECK_FALSE(table.covers(of_one));
    table.put(a_mapping().tcp(8080, 80).id(1).disabled());
    CHECK_FALSE(table.covers(of_one));
    table.put(a_mapping().tcp(8080, 80).id(1));
    CHECK(table.covers(of_one));
    CHECK(table.covers(a_mapping().tcp(8080, 80)));
  }

  TEST_CASE("a view is a contiguous array of one client's mappings, also after removals") {
    MappingTable table;
    for (std::uint16_t port = 2000; port < 2010; ++port)
      table.put(a_mapping().tcp(port, port).to(port % 2 == 0 ? kPc : kConsole).id(port));
    table.erase(PortMapping(a_mapping().tcp(2000, 1)).key);
    table.erase(PortMapping(a_mapping().tcp(2008, 1)).key);
    CHECK(table.size_of(kPc) == 3);
    std::set<MappingId> seen;
    for (std::size_t i = 0; i < 3; ++i)
      seen.insert(table.at(i, kPc)->id);
    CHECK(seen == std::set<MappingId>{2002, 2004, 2006});
    CHECK(table.at(3, kPc) == nullptr);
    CHECK(table.at(7) != nullptr);
    CHECK(table.at(8) == nullptr);
  }

  TEST_CASE("a client's mappings are visited in the order of ports, be they few of many or not") {
    for (const unsigned others : {1u, 500u}) {
      MappingTable table;
      for (unsigned i = 0; i < others; ++i)
        table.put(a_mapping().tcp(std::uint16_t(3000 + i), 1).to(kConsole));
      for (const unsigned port : {3901u, 2100u, 3900u, 2000u, 3999u})
        table.put(a_mapping().tcp(std::uint16_t(port), 1).to(kPc));
      std::vector<std::uint16_t> seen;
      table.visit({Protocol::TCP, 2001, 3998}, std::span(&kPc, 1), [&](const PortMapping& mapping) {
        seen.push_back(mapping.key.external_port.number());
        return mapping.key.external_port.number() != 3900;
      });
      CHECK(seen == std::vector<std::uint16_t>{2100, 3900});
    }
  }

  TEST_CASE("a free port is the first from where one starts, going round") {
    MappingTable table;
    const auto any = [](ExternalPort) { return true; };
    const auto port = [](std::uint32_t n) { return *ExternalPort::parse(n); };
    table.put(a_mapping().tcp(65534, 1));
    table.put(a_mapping().tcp(65535, 1));
    table.put(a_mapping().tcp(1, 1));
    CHECK(table.free_port(Protocol::TCP, port(65534), any) == port(2));
    CHECK(table.free_port(Protocol::UDP, port(65534), any) == port(65534));
    CHECK(table.free_port(Protocol::TCP, port(1),
                          [](ExternalPort p) { return p.number() > 1023; }) == port(1024));
    CHECK_FALSE(table.free_port(Protocol::TCP, port(1), [](ExternalPort) { return false; }));
  }

  TEST_CASE("the way out is the oldest mapping open to all, as long as any lasts") {
    MappingTable table;
    const PortMapping first = a_mapping().udp(4000, 3074).from("203.0.113.9").until(50).id(1);
    const PortMapping second = a_mapping().udp(4001, 3074).until(20).id(2);
    const PortMapping third = a_mapping().udp(4002, 3074).id(3).disabled();
    CHECK_FALSE(table.outward(endpoint_of(first)));
    table.put(first);
    table.put(second);
    table.put(third);
    const auto outward = *table.outward(endpoint_of(first));
    CHECK(outward.external_port.number() == 4001);
    CHECK(outward.external_port_expires == at_second(20));
    CHECK(outward.forward_expires == at_second(50));
    table.erase(second.key);
    CHECK(table.outward(endpoint_of(first))->external_port.number() == 4000);
  }

  TEST_CASE("after any puts and erasures every index agrees with a plain map") {
    MappingTable table;
    std::map<std::uint16_t, PortMapping> model;
    std::mt19937 random(7);
    for (int step = 0; step < 5000; ++step) {
      const auto port = std::uint16_t(1 + random() % 64);
      if (random() % 3 != 0) {
        PortMapping mapping = a_mapping()
                                  .tcp(port, std::uint16_t(1 + random() % 5))
                                  .to(random() % 2 == 0 ? kPc : kConsole)
                                  .until(int(random() % 100))
                                  .id(port);
        mapping.enabled = random() % 4 != 0;
        if (random() % 8 == 0) mapping.expires.reset();
        mapping.host = MacAddress{2, 0, 0, 0, 0, std::uint8_t(random() % 3)};
        mapping.lan = LanIndex(random() % 2);
        table.put(mapping);
        model.insert_or_assign(port, mapping);
      } else {
        table.erase(PortMapping(a_mapping().tcp(port, 1)).key);
        model.erase(port);
      }
      REQUIRE(table.size() == model.size());
      REQUIRE(table.size_of(kPc) + table.size_of(kConsole) == model.size());
      if (model.empty()) continue;
      const auto end = [](const auto& e) { return e.second.expires.value_or(BootTime::max()); };
      const auto soonest = std::ranges::min(model | std::views::transform(end));
      const PortMapping* const first = table.first_to_expire();
      REQUIRE((first == nullptr ? BootTime::max() : *first->expires) == soonest);
      for (const Ipv4Address client : {kPc, kConsole}) {
        std::set<MacAddress> hosts;
        bool permanent = false;
        for (const auto& [key, mapping] : model) {
          if (mapping.client.address() != client) continue;
          hosts.insert(mapping.host);
          permanent = permanent || !mapping.expires;
        }
        REQUIRE(std::ranges::equal(table.hosts_of(client), hosts));
        REQUIRE(table.has_permanent(client) == permanent);
      }
      for (std::uint8_t last = 0; last < 4; ++last) {
        const LanHost host{LanIndex(last % 2), {2, 0, 0, 0, 0, std::uint8_t(last / 2 + 1)}};
        std::set<Ipv4Address> clients;
        std::size_t of_host = 0;
        for (const auto& [key, mapping] : model) {
          if (host_of(mapping) == host) clients.insert(mapping.client.address());
          if (host_of(mapping) == host || mapping.client.address() == kPc) ++of_host;
        }
        REQUIRE(std::ranges::equal(table.clients_of(host), clients));
        REQUIRE(table.size_of(std::array{kPc}, host) == of_host);
        REQUIRE(table.size_of(std::array{kPc, kConsole}, host) == model.size());
      }
      for (const auto& [key, mapping] : model)
        REQUIRE(table.outward(endpoint_of(mapping)) == outward_of(model, endpoint_of(mapping)));
      std::set<MappingId> seen;
      for (std::size_t i = 0; i < table.size(); ++i)
        seen.insert(table.at(i)->id);
      REQUIRE(seen.size() == model.size());
    }
  }
}
