#include "entry_walks.h"

#include <doctest/doctest.h>

#include <string>

#include "soap_calls.h"

using namespace upnpd;
using namespace upnpd::igd;
using namespace std::chrono_literals;

namespace {

const IpAddress kPc = *Ipv4Address::parse("192.168.77.10");

// A gateway with so many mappings, the walks of its service, and how often it has been asked.
struct Walker {
  EntryWalks walks;
  unsigned mappings = 100;
  unsigned asked = 0;

  static Entry entry(unsigned index) {
    Entry entry = upnpd::igd::test::an_entry("walked");
    entry.key.external_port = *ExternalPort::parse(1000 + index);
    return entry;
  }

  Reply gateway(const GetGenericPortMappingEntry& request) {
    ++asked;
    if (request.index >= mappings) return Refused{1, UpnpError::SpecifiedArrayIndexInvalid};
    if (request.following == 0) return entry(request.index);
    EntryList list{.id = 1, .entries = {}, .is_last = true};
    for (unsigned i = request.index; i < mappings && i <= request.index + request.following; ++i)
      list.entries.push_back(entry(i));
    return list;
  }

  // Which entry `caller` is given, -1 for none.
  int step(std::uint16_t index, BootTime now = BootTime(0s), IpAddress caller = kPc,
           LanIndex lan = 0) {
    ServiceRequest request = GetGenericPortMappingEntry{
        {.id = 0, .lan = lan, .caller = caller, .version = IgdVersion::v1}, index};
    auto reply = walks.answer(request, now);
    if (!reply) {
      reply = gateway(std::get<GetGenericPortMappingEntry>(request));
      if (auto first = walks.take(request, *reply, now)) reply = std::move(first);
    }
    const auto* const found = std::get_if<Entry>(&*reply);
    return found == nullptr ? -1 : found->key.external_port.number() - 1000;
  }
};

}  // namespace

TEST_SUITE("entry_walks") {
  TEST_CASE("a walk gets every entry once, and asks for many of them together") {
    Walker walker;
    for (std::uint16_t index = 0; index < 100; ++index)
      CHECK(walker.step(index) == index);
    CHECK(walker.step(100) == -1);
    // One alone, 32 together three times, the rest, and the end.
    CHECK(walker.asked == 1 + 4 + 1);
  }

  TEST_CASE("who does not walk gets what he asks for") {
    Walker walker;
    for (const int index : {7, 7, 3, 99, 0, 65535})
      CHECK(walker.step(static_cast<std::uint16_t>(index)) == (index < 100 ? index : -1));
    CHECK(walker.asked == 6);
    // Back into what is kept of a walk: that is asked for again.
    walker.step(0);
    walker.step(1);
    CHECK(walker.step(1) == 1);
    CHECK(walker.step(2) == 2);
    CHECK(walker.asked == 6 + 4);
  }

  TEST_CASE("what is kept is good until the table changes, and for a second") {
    Walker walker;
    walker.step(0);
    walker.step(1);
    CHECK(walker.step(2, BootTime(999ms)) == 2);
    CHECK(walker.asked == 2);
    CHECK(walker.step(3, BootTime(1s)) == 3);
    CHECK(walker.asked == 3);
    CHECK(walker.step(4, BootTime(1s)) == 4);
    CHECK(walker.asked == 3);
    walker.walks.forget_entries();
    walker.mappings = 5;
    CHECK(walker.step(5, BootTime(1s)) == -1);
    CHECK(walker.asked == 4);
  }

  TEST_CASE("each caller has a walk of his own, on his own LAN") {
    Walker walker;
    const IpAddress other = *Ipv4Address::parse("192.168.77.11");
    for (std::uint16_t index = 0; index < 3; ++index) {
      CHECK(walker.step(index) == index);
      CHECK(walker.step(index, BootTime(0s), other) == index);
      CHECK(walker.step(index, BootTime(0s), kPc, 1) == index);
    }
    CHECK(walker.asked == 6);
    CHECK(walker.step(3, BootTime(0s), *Ipv4Address::parse("192.168.77.12")) == 3);
    CHECK(walker.asked == 7);
  }

  TEST_CASE("of many walks the one that has rested longest is asked for again") {
    Walker walker;
    const auto host = [](std::size_t number) {
      return *Ipv4Address::parse("192.168.77." + std::to_string(10 + number));
    };
    for (std::size_t number = 0; number <= EntryWalks::kMost; ++number)
      for (std::uint16_t index = 0; index < 2; ++index)
        walker.step(index, BootTime(0s), host(number));
    const unsigned before = walker.asked;
    for (std::size_t number = EntryWalks::kMost; number > 0; --number)
      CHECK(walker.step(2, BootTime(0s), host(number)) == 2);
    CHECK(walker.asked == before);
    CHECK(walker.step(2, BootTime(0s), host(0)) == 2);
    CHECK(walker.asked == before + 1);
  }
}
