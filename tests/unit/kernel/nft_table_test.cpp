#include "nft_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "builders.h"
#include "lab.h"
#include "mapping_elements.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

std::expected<void, NatError> commit(Nat& nat, std::vector<NatChange> changes) {
  return nat.commit(changes, kNow);
}

bool is_about(std::optional<BootTime> expires, std::chrono::milliseconds from_now) {
  return expires && *expires <= kNow + from_now + 20ms && *expires > kNow + from_now - 2s;
}

}  // namespace

TEST_SUITE("nft_table") {
  TEST_CASE("a mapping that is added is read back as it was put in") {
    FreshTable table;
    const PortMapping mapping = a_mapping()
                                    .udp()
                                    .port(3074)
                                    .to("192.168.77.20", 3075)
                                    .id(4711)
                                    .lan(2)
                                    .owner("192.168.77.21")
                                    .described("DemonwarePortMapping");
    REQUIRE(commit(table.nat, {AddMapping{mapping}}));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings[0].key == mapping.key);
    CHECK(mappings[0].client == mapping.client);
    CHECK(mappings[0].internal_port == mapping.internal_port);
    CHECK(mappings[0].description == mapping.description);
    CHECK(is_about(mappings[0].expires, 1h));
    CHECK(mappings[0].id == 4711);
    CHECK(mappings[0].lan == 2);
    CHECK(mappings[0].owner == mapping.owner);
    CHECK(mappings[0].enabled);
  }

  TEST_CASE("a RemoteHost has mappings of its own beside the one for any") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping().id(1)},
                               AddMapping{a_mapping().from("203.0.113.9").id(2)},
                               AddMapping{a_mapping().from("203.0.113.10").id(3)}}));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 3);
    CHECK(mappings[0].key.remote_host.is_any());
    CHECK(mappings[1].key.remote_host.to_string() == "203.0.113.9");
    CHECK(mappings[2].id == 3);
    REQUIRE(commit(table.nat, {RemoveMapping{a_mapping().from("203.0.113.9")}}));
    CHECK(mappings_of(table.nat).size() == 2);
  }

  TEST_CASE("a permanent mapping has no timeout") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping().permanent()}}));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK_FALSE(mappings[0].expires);
  }

  TEST_CASE("a mapping that is removed is gone") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}, AddMapping{a_mapping().port(8081)}}));
    REQUIRE(commit(table.nat, {RemoveMapping{a_mapping()}}));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings[0].key.external_port == external_port(8081));
  }

  TEST_CASE("removing what is not there succeeds and leaves nothing behind") {
    FreshTable table;
    CHECK(commit(table.nat, {RemoveMapping{a_mapping()}, RemoveOutward{an_outward_mapping()}}));
    CHECK(mappings_of(table.nat).empty());
    CHECK(elements_of(kMappedClients).empty());
  }

  TEST_CASE("the kernel ends a lease by itself, and its removal after that succeeds") {
    FreshTable table;
    const PortMapping mapping = a_mapping().lasting(100ms);
    REQUIRE(commit(table.nat, {AddMapping{mapping}}));
    CHECK(mappings_of(table.nat).size() == 1);
    std::this_thread::sleep_for(250ms);
    CHECK(mappings_of(table.nat).empty());
    CHECK(commit(table.nat, {RemoveMapping{mapping}}));
    CHECK(mappings_of(table.nat).empty());
  }

  TEST_CASE("removals race with expiry without ever being refused") {
    FreshTable table;
    for (int i = 0; i < 60; ++i) {
      const PortMapping mapping = a_mapping().lasting(std::chrono::milliseconds(1 + i % 6));
      REQUIRE(commit(table.nat, {AddMapping{mapping}}));
      std::this_thread::sleep_for(std::chrono::microseconds(137 * (i % 40)));
      CHECK(commit(table.nat, {RemoveMapping{mapping}}));
    }
    CHECK(mappings_of(table.nat).empty());
  }

  TEST_CASE("a renewal in one commit brings the new lease, target and description") {
    FreshTable table;
    const PortMapping old = a_mapping().lasting(1min);
    REQUIRE(commit(table.nat, {AddMapping{old}}));
    const PortMapping renewed =
        a_mapping().lasting(2h).to("192.168.77.10", 81).described("renewed").id(2);
    REQUIRE(commit(table.nat, {RemoveMapping{old}, AddMapping{renewed}}));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK(is_about(mappings[0].expires, 2h));
    CHECK(mappings[0].internal_port == internal_port(81));
    CHECK(mappings[0].description.text() == "renewed");
    CHECK(mappings[0].id == 2);
  }

  TEST_CASE("renewals change a lease to permanent and back, and renew an expired one") {
    FreshTable table;
    const PortMapping permanent = a_mapping().permanent(), leased = a_mapping().lasting(1h);
    REQUIRE(commit(table.nat, {AddMapping{leased}}));
    REQUIRE(commit(table.nat, {RemoveMapping{leased}, AddMapping{permanent}}));
    CHECK_FALSE(mappings_of(table.nat).at(0).expires);
    const PortMapping brief = a_mapping().lasting(50ms);
    REQUIRE(commit(table.nat, {RemoveMapping{permanent}, AddMapping{brief}}));
    std::this_thread::sleep_for(150ms);
    REQUIRE(commit(table.nat, {RemoveMapping{brief}, AddMapping{leased}}));
    CHECK(is_about(mappings_of(table.nat).at(0).expires, 1h));
  }

  TEST_CASE("adding a key that is there is refused") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}}));
    const auto again = commit(table.nat, {AddMapping{a_mapping().lasting(2h)}});
    REQUIRE_FALSE(again);
    CHECK(again.error().error == EEXIST);
    CHECK(again.error().what == "add element to mappings");
  }

  TEST_CASE("a commit whose last change is refused changes nothing") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}, AddOutward{an_outward_mapping()}}));
    const auto refused =
        commit(table.nat,
               {AddMapping{a_mapping().port(9000)}, RemoveMapping{a_mapping()},
                RemoveOutward{an_outward_mapping()}, AddMapping{a_mapping().from("203.0.113.9")},
                AddMapping{a_mapping().port(9000).to("192.168.77.99", 1)}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().error == EEXIST);
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings[0].key == PortMapping(a_mapping()).key);
    CHECK(is_about(mappings[0].expires, 1h));
    CHECK(elements_of(kMappedClients).size() == 1);
  }

  TEST_CASE("removing a mapping that leads elsewhere by now is refused") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}}));
    const auto removed = commit(table.nat, {RemoveMapping{a_mapping().to("192.168.77.99", 80)}});
    REQUIRE_FALSE(removed);
    // EBUSY before, EEXIST from some kernel of the 6 series on
    CHECK((removed.error().error == EBUSY || removed.error().error == EEXIST));
  }

  TEST_CASE("descriptions are read back, long ones cut") {
    FreshTable table;
    const std::string longest(224, 'y');
    const std::vector<std::pair<std::string, std::string>> kept{
        {"", ""},
        {"uTorrent (TCP)", "uTorrent (TCP)"},
        {"say \"hi\" \\o/", "say \"hi\" \\o/"},
        {std::string(127, 'x'), std::string(127, 'x')},
        {std::string(128, 'x'), std::string(128, 'x')},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {std::string(1024, 'y'), longest}};
    std::vector<NatChange> changes;
    for (std::uint32_t i = 0; i < kept.size(); ++i)
      changes.push_back(AddMapping{a_mapping().port(1000 + i).described(kept[i].first)});
    REQUIRE(table.nat.commit(changes, kNow));
    const auto mappings = mappings_of(table.nat);
    REQUIRE(mappings.size() == kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i)
      CHECK(mappings[i].description.text() == kept[i].second);
  }

  TEST_CASE("an outward mapping comes and goes") {
    FreshTable table;
    OutwardMapping permanent = an_outward_mapping();
    permanent.endpoint.protocol = Protocol::UDP;
    permanent.external_port_expires.reset();
    permanent.forward_expires.reset();
    REQUIRE(commit(table.nat, {AddOutward{an_outward_mapping()}, AddOutward{permanent}}));
    CHECK(elements_of(kSourcePorts).size() == 2);
    CHECK(elements_of(kMappedClients).size() == 2);
    REQUIRE(commit(table.nat, {RemoveOutward{an_outward_mapping()}}));
    const auto source_ports = elements_of(kSourcePorts);
    REQUIRE(source_ports.size() == 1);
    CHECK(source_ports[0].data == Fields::of_port(8080));
    CHECK_FALSE(source_ports[0].lifetime);
    REQUIRE(commit(table.nat, {RemoveOutward{permanent}}));
    CHECK(elements_of(kSourcePorts).empty());
    CHECK(elements_of(kMappedClients).empty());
  }

  TEST_CASE("an outward mapping whose external port has expired is removed all the same") {
    FreshTable table;
    OutwardMapping outward = an_outward_mapping();
    outward.external_port_expires = kNow + 50ms;
    REQUIRE(commit(table.nat, {AddOutward{outward}}));
    std::this_thread::sleep_for(150ms);
    CHECK(elements_of(kSourcePorts).empty());
    CHECK(elements_of(kMappedClients).size() == 1);
    CHECK(commit(table.nat, {RemoveOutward{outward}, AddOutward{an_outward_mapping()}}));
  }

  TEST_CASE("a rewrite holds the outward mappings it is given, and no other") {
    FreshTable table;
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}, AddOutward{an_outward_mapping()}}));
    OutwardMapping other = an_outward_mapping();
    other.endpoint.protocol = Protocol::UDP;
    const std::vector<NatChange> changes{AddOutward{other}};
    REQUIRE(table.nat.rewrite(RewriteOf::Held, std::nullopt, changes, kNow));
    CHECK(mappings_of(table.nat).size() == 1);
    for (const char* const set : {kSourcePorts, kMappedClients}) {
      const auto elements = elements_of(set);
      REQUIRE(elements.size() == 1);
      CHECK(elements[0].key == source_port_element_of(other, kNow).key);
    }
  }

  TEST_CASE("256 and 5 000 changes go in one commit") {
    FreshTable table;
    for (const std::uint32_t count : {256u, 5000u}) {
      std::vector<NatChange> add, remove;
      for (std::uint32_t i = 0; i < count; ++i) {
        const PortMapping mapping = a_mapping().port(1024 + i).described(std::string(200, 'z'));
        add.push_back(AddMapping{mapping});
        remove.push_back(RemoveMapping{mapping});
      }
      REQUIRE(table.nat.commit(add, kNow));
      CHECK(mappings_of(table.nat).size() == count);
      const auto twice = table.nat.commit(add, kNow);
      REQUIRE_FALSE(twice);
      CHECK(twice.error().error == EEXIST);
      REQUIRE(table.nat.commit(remove, kNow));
      CHECK(mappings_of(table.nat).empty());
    }
  }

  TEST_CASE("a commit of nothing succeeds") {
    FreshTable table;
    CHECK(commit(table.nat, {}));
  }

  TEST_CASE("every counter begins at zero") {
    FreshTable table;
    const PortMapping remote = a_mapping().from("203.0.113.9");
    REQUIRE(commit(table.nat, {AddMapping{a_mapping()}, AddMapping{remote}}));
    const auto counters = table.nat.counters();
    REQUIRE(counters);
    REQUIRE(counters->size() == 2);
    CHECK(counters->at(remote.key).packets == 0);
  }

  TEST_CASE("without a table everything is refused, and closing it again succeeds") {
    NftTable nat{TableAccess::Everyones};
    CHECK(nat.commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow).error().error ==
          ENOTCONN);
    CHECK(nat.read_back(kNow).error().error == ENOTCONN);
    make_table(nat);
    CHECK(nat.close());
    CHECK(nat.close());
    CHECK(nat.commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow).error().error ==
          ENOENT);
    CHECK(nat.read_back(kNow)->mappings.empty());
    CHECK(nat.counters().error().error == ENOENT);
  }
}
