#include <doctest/doctest.h>

#include "builders.h"
#include "mapper.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

Mapper a_mapper(bool secure_mode = true) {
  Policy policy = usual_policy();
  policy.secure_mode = secure_mode;
  policy.limits.requests_per_second = 0;
  policy.limits.mappings_per_host = 65535;
  policy.limits.mappings = 65535;
  Mapper mapper(std::move(policy));
  mapper.set_surroundings(home());
  return mapper;
}

std::optional<UpnpError> error_of(const Outcome& outcome) {
  const auto* const refused = std::get_if<Refused>(&*outcome.reply);
  return refused == nullptr ? std::nullopt : std::optional(refused->error);
}

EntryList list_of(const Outcome& outcome) {
  REQUIRE(outcome.reply);
  REQUIRE(std::holds_alternative<EntryList>(*outcome.reply));
  return std::get<EntryList>(*outcome.reply);
}

std::vector<int> ports_of(const EntryList& list) {
  std::vector<int> ports;
  for (const Entry& entry : list.entries)
    ports.push_back(entry.key.external_port.number());
  return ports;
}

// The PC has TCP 2000, 2002 .. 2008 and UDP 2000, the console TCP 2001 .. 2009.
Mapper a_full_mapper(bool secure_mode = true) {
  Mapper mapper = a_mapper(secure_mode);
  for (std::uint16_t port = 2000; port < 2010; port = std::uint16_t(port + 2)) {
    mapper.handle(a_request().from(kPc).tcp(port, port).add(), at_second(0));
    const auto odd = std::uint16_t(port + 1);
    mapper.handle(a_request().from(kConsole).tcp(odd, odd).add(), at_second(0));
  }
  mapper.handle(a_request().from(kPc).udp(2000, 2000).add(), at_second(0));
  mapper.confirm();
  return mapper;
}

}  // namespace

TEST_SUITE("mapper_entries") {
  using enum UpnpError;

  TEST_CASE("DeletePortMapping without a protocol deletes the caller's mappings of both") {
    Mapper mapper = a_full_mapper();
    const Outcome outcome =
        mapper.handle(a_request().tcp(2000, 0).no_protocol().remove(), at_second(0));
    CHECK_FALSE(error_of(outcome));
    CHECK(outcome.events.size() == 2);
    CHECK(error_of(mapper.handle(a_request().tcp(2000, 0).no_protocol().remove(), at_second(0))) ==
          NoSuchEntryInArray);
    CHECK(error_of(mapper.handle(a_request().tcp(2001, 0).no_protocol().remove(), at_second(0))) ==
          ActionNotAuthorized);
    CHECK(error_of(mapper.handle(a_request().tcp(2002, 0).unknown_protocol().remove(),
                                 at_second(0))) == InvalidArgs);
    CHECK(error_of(mapper.handle(a_request().tcp(2002, 0).no_protocol().get(), at_second(0))) ==
          InvalidArgs);
  }

  TEST_CASE("DeletePortMappingRange deletes the caller's mappings there, as one change") {
    Mapper mapper = a_full_mapper();
    const auto id = mapper.system_update_id();
    const Outcome outcome =
        mapper.handle(a_request().tcp(1, 1).remove_range(2000, 2004), at_second(0));
    CHECK_FALSE(error_of(outcome));
    CHECK(outcome.events.size() == 3);
    CHECK(mapper.system_update_id() == id + 1);
    CHECK(mapper.table().size() == 11 - 3);
    CHECK(error_of(mapper.handle(a_request().tcp(1, 1).remove_range(2000, 2004), at_second(0))) ==
          PortMappingNotFound);
    mapper.revert();
    CHECK(mapper.table().size() == 11);
    CHECK(mapper.system_update_id() == id);
  }

  TEST_CASE("a range that ends before it starts is inconsistent, one port is a range") {
    Mapper mapper = a_full_mapper();
    CHECK(error_of(mapper.handle(a_request().tcp(1, 1).remove_range(2001, 2000), at_second(0))) ==
          InconsistentParameters);
    CHECK(error_of(mapper.handle(a_request().tcp(1, 1).list(2001, 2000), at_second(0))) ==
          InconsistentParameters);
    CHECK(error_of(mapper.handle(a_request().no_protocol().list(2000, 2001), at_second(0))) ==
          InvalidArgs);
    CHECK(error_of(mapper.handle(a_request().from(at("10.0.0.1")).list(2000, 2001),
                                 at_second(0))) == ActionNotAuthorized);
    CHECK(list_of(mapper.handle(a_request().tcp(1, 1).list(2000, 2000), at_second(0)))
              .entries.size() == 1);
    CHECK_FALSE(
        error_of(mapper.handle(a_request().tcp(1, 1).remove_range(0, 65535), at_second(0))));
  }

  TEST_CASE("the list has what the caller may see, by port, up to the number asked for") {
    for (const bool secure_mode : {true, false}) {
      CAPTURE(secure_mode);
      Mapper mapper = a_full_mapper(secure_mode);
      const auto listed = [&](std::uint16_t first, std::uint16_t last, std::uint16_t number) {
        return ports_of(
            list_of(mapper.handle(a_request().tcp(1, 1).list(first, last, number), at_second(0))));
      };
      CHECK(listed(0, 65535, 2) ==
            (secure_mode ? std::vector{2000, 2002} : std::vector{2000, 2001}));
      CHECK(listed(2003, 2007, 0) ==
            (secure_mode ? std::vector{2004, 2006} : std::vector{2003, 2004, 2005, 2006, 2007}));
      CHECK(error_of(mapper.handle(a_request().tcp(1, 1).list(3000, 4000), at_second(0))) ==
            PortMappingNotFound);
    }
  }

  TEST_CASE("what leads to another LAN is neither seen nor touched, also without secure_mode") {
    Mapper mapper = a_full_mapper(false);
    const Ipv4Address guest = at("192.168.78.30");
    const auto by_guest = a_request().from(guest).lan(1);
    REQUIRE_FALSE(
        error_of(mapper.handle(RequestBuilder(by_guest).tcp(2500, 2500).add(), at_second(0))));

    CHECK(error_of(mapper.handle(RequestBuilder(by_guest).tcp(2000, 1).get(), at_second(1))) ==
          UpnpError::ActionNotAuthorized);
    CHECK(error_of(mapper.handle(RequestBuilder(by_guest).tcp(2000, 1).remove(), at_second(1))) ==
          UpnpError::ActionNotAuthorized);
    CHECK(ports_of(list_of(mapper.handle(by_guest.list(1, 65535), at_second(1)))) ==
          std::vector{2500});
    const Outcome first = mapper.handle(by_guest.get_at(0), at_second(1));
    REQUIRE(std::holds_alternative<Entry>(*first.reply));
    CHECK(std::get<Entry>(*first.reply).key.external_port.number() == 2500);
    CHECK(error_of(mapper.handle(by_guest.get_at(1), at_second(1))) ==
          UpnpError::SpecifiedArrayIndexInvalid);
    mapper.handle(by_guest.remove_range(1, 65535), at_second(1));
    CHECK(mapper.table().size() == 11);
    CHECK(error_of(mapper.handle(a_request().get_at(11), at_second(1))) ==
          UpnpError::SpecifiedArrayIndexInvalid);
    CHECK_FALSE(error_of(mapper.handle(a_request().get_at(10), at_second(1))));
  }

  TEST_CASE("an entry by its index brings those behind it along, the same ones as one by one") {
    for (const bool secure_mode : {true, false})
      for (const bool is_alone : {true, false}) {
        Mapper mapper = a_full_mapper(secure_mode);
        if (is_alone) {
          Surroundings surroundings = home();
          surroundings.lans.erase(std::next(surroundings.lans.begin()), surroundings.lans.end());
          mapper.set_surroundings(surroundings);
        }
        std::vector<Entry> one_by_one;
        for (std::uint16_t index = 0;; ++index) {
          const Outcome outcome = mapper.handle(a_request().get_at(index), at_second(0));
          if (error_of(outcome)) break;
          one_by_one.push_back(std::get<Entry>(*outcome.reply));
        }
        CHECK(one_by_one.size() == (secure_mode ? 6 : 11));
        const EntryList part = list_of(mapper.handle(a_request().get_at(2, 2), at_second(0)));
        REQUIRE(part.entries.size() == 3);
        for (std::size_t i = 0; i < 3; ++i)
          CHECK(part.entries[i].key == one_by_one[i + 2].key);
        const EntryList rest = list_of(mapper.handle(a_request().get_at(5, 65535), at_second(0)));
        CHECK(rest.entries.size() == one_by_one.size() - 5);
        CHECK(error_of(mapper.handle(a_request().get_at(11, 31), at_second(0))) ==
              UpnpError::SpecifiedArrayIndexInvalid);
      }
  }

  TEST_CASE("no more entries come along than a message holds") {
    Mapper mapper = a_mapper();
    const std::string long_one(1024, 'x');
    for (std::uint16_t port = 2000; port < 2100; ++port)
      mapper.handle(a_request().tcp(port, port).described(long_one.c_str()).add(), at_second(0));
    const EntryList list = list_of(mapper.handle(a_request().get_at(1, 65535), at_second(0)));
    CHECK(list.entries.size() == EntryList::kMaxBytes / (EntryList::kEntryBytes + 1024));
    CHECK_FALSE(list.is_last);
  }

  TEST_CASE("a long list comes in parts that together have every entry once") {
    for (const bool secure_mode : {true, false}) {
      Mapper mapper = a_mapper(secure_mode);
      for (std::uint16_t port = 10'000; port < 11'000; ++port)
        mapper.handle(a_request().tcp(port, port).add(), at_second(0));
      mapper.handle(a_request().tcp(10'500, 1024).remote(at("203.0.113.9")).add(), at_second(0));
      std::optional<PortMappingKey> after;
      std::size_t seen = 0;
      std::size_t parts = 0;
      for (bool is_last = false; !is_last; ++parts) {
        const EntryList list =
            list_of(mapper.handle(a_request().tcp(1, 1).list(0, 65535, 0, after), at_second(0)));
        REQUIRE_FALSE(list.entries.empty());
        CHECK((!after || after->external_port <= list.entries.front().key.external_port));
        after = list.entries.back().key;
        seen += list.entries.size();
        is_last = list.is_last;
      }
      CHECK(seen == 1001);
      CHECK(parts > 1);
      CHECK(list_of(mapper.handle(a_request().tcp(1, 1).list(0, 65535, 0, after), at_second(0)))
                .entries.empty());
    }
  }
}
