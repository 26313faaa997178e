#include "pinhole_table.h"

#include <doctest/doctest.h>

#include "pinhole_builders.h"

using namespace upnpd;
using namespace upnpd::core;

TEST_SUITE("pinhole_table") {
  TEST_CASE("a pinhole is found by its values and by its id until it is erased") {
    PinholeTable table;
    table.put(a_pinhole(7));
    REQUIRE(table.find(a_pinhole().key) != nullptr);
    CHECK(table.find(*UniqueId::parse(7))->key == a_pinhole().key);
    CHECK(table.size_of({0, kPcMac}) == 1);
    CHECK(table.size_of({0, kConsoleMac}) == 0);
    table.erase(a_pinhole().key);
    table.erase(a_pinhole().key);
    CHECK(table.find(a_pinhole().key) == nullptr);
    CHECK(table.find(*UniqueId::parse(7)) == nullptr);
    CHECK(table.size() + table.size_of({0, kPcMac}) == 0);
    CHECK(table.first_to_expire() == nullptr);
  }

  TEST_CASE("a renewed one takes its own place") {
    PinholeTable table;
    table.put(a_pinhole(7, 4000, 60));
    table.put(a_pinhole(8, 4001, 70));
    table.put(a_pinhole(7, 4000, 80));
    CHECK(table.size() == 2);
    CHECK(table.size_of({0, kPcMac}) == 2);
    CHECK(table.first_to_expire()->id.number() == 8);
  }

  TEST_CASE("a free id is the first from the start on, going round") {
    PinholeTable table;
    const auto free_from = [&](std::uint32_t start) {
      const auto id = table.free_id(*UniqueId::parse(start));
      return id ? id->number() : 0;
    };
    CHECK(free_from(5) == 5);
    table.put(a_pinhole(5, 4000));
    table.put(a_pinhole(6, 4001));
    CHECK(free_from(5) == 7);
    table.put(a_pinhole(65535, 4002));
    CHECK(free_from(65535) == 1);
    for (std::uint32_t id = 1; id <= 65535; ++id)
      if (table.find(*UniqueId::parse(id)) == nullptr) {
        Pinhole pinhole = a_pinhole(static_cast<std::uint16_t>(id));
        pinhole.key.remote_port =
            PinholeRemotePort::only(*RemotePort::parse(static_cast<std::uint16_t>(id)));
        table.put(pinhole);
      }
    CHECK(free_from(1) == 0);
    CHECK(free_from(40000) == 0);
  }
}
