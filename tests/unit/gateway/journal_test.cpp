#include "journal.h"

#include <doctest/doctest.h>

#include "../core/pinhole_builders.h"
#include "journal_lines.h"
#include "temporary.h"

using namespace upnpd;
using namespace upnpd::core;
using namespace upnpd::gateway;
using namespace std::chrono_literals;

namespace {

const BootTime kNow = at_second(1000);

MappingEvent added(const PortMapping& mapping) {
  return {MappingEvent::Kind::Added, mapping, std::nullopt};
}
MappingEvent deleted(const PortMapping& mapping) {
  return {MappingEvent::Kind::Deleted, mapping, std::nullopt};
}

Outcome that_have(std::vector<MappingEvent> events) {
  Outcome outcome;
  outcome.events = std::move(events);
  return outcome;
}

// A journal with what `events` say, written as the gateway writes it.
void fill(Journal& journal, const std::vector<MappingEvent>& events) {
  const Mapper mapper(usual_policy());
  journal.rewrite(mapper, kNow);
  journal.append(that_have(events), mapper, kNow);
  journal.sync();
}

PortMapping a_long_one() {
  return a_mapping().udp(3075, 3074).from("203.0.113.9").to(kConsole).until(5000).id(3);
}

}  // namespace

TEST_SUITE("journal") {
  TEST_CASE("what was put and not gone comes back whole") {
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    PortMapping named = a_mapping().tcp(8080, 80).id(1);
    named.description = *PortMappingDescription::parse("a \"quoted\" Zürich: \\ </x>");
    named.host = {2, 0, 0x5e, 0x10, 0, 1};
    fill(journal, {added(named), added(a_mapping().tcp(8081, 81).id(2)), added(a_long_one()),
                   deleted(a_mapping().tcp(8081, 81).id(2))});
    const auto reading = Journal(directory / "leases").read(kNow + 60s);
    CHECK(reading.problems.empty());
    REQUIRE(reading.mappings.size() == 2);
    CHECK(reading.mappings[0].key == named.key);
    CHECK(reading.mappings[0].description.text() == named.description.text());
    CHECK_FALSE(reading.mappings[0].expires);
    CHECK(reading.mappings[0].host == named.host);
    CHECK(reading.mappings[1].host == MacAddress{});
    CHECK(reading.mappings[1].key == a_long_one().key);
    CHECK(reading.mappings[1].client == a_long_one().client);
    CHECK(reading.mappings[1].expires == at_second(5000));
    CHECK(reading.last_id == 3);
  }

  TEST_CASE("a lease that is over by now does not come back") {
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    fill(journal, {added(a_mapping().until(1010))});
    CHECK(journal.read(at_second(1009)).mappings.size() == 1);
    CHECK(journal.read(at_second(1010)).mappings.empty());
  }

  TEST_CASE("what has ended is told until a rewrite, or a reboot, which ends all flows") {
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    const PortMapping led_elsewhere = a_mapping().tcp(8081, 81).id(2),
                      leads_now = a_mapping().tcp(8081, 82).id(2);
    fill(journal, {added(a_mapping().tcp(8080, 80).id(1)),
                   added(led_elsewhere),
                   {MappingEvent::Kind::Replaced, leads_now, led_elsewhere},
                   {MappingEvent::Kind::Replaced, leads_now, leads_now},
                   deleted(a_mapping().tcp(8080, 80).id(1)),
                   added(a_long_one())});
    Outcome outcome;
    outcome.pinhole_events = {{PinholeEvent::Kind::Added, a_pinhole(8, 4000, 2000)},
                              {PinholeEvent::Kind::Deleted, a_pinhole(8, 4000, 2000)},
                              {PinholeEvent::Kind::Added, a_pinhole(9, 4001, 1010)}};
    const Mapper mapper(usual_policy());
    journal.append(outcome, mapper, kNow);

    const auto reading = journal.read(at_second(6000));
    REQUIRE(reading.mappings.size() == 1);
    CHECK(reading.mappings[0].internal_port == leads_now.internal_port);
    REQUIRE(reading.ended.size() == 3);
    CHECK(reading.ended[0].internal_port == led_elsewhere.internal_port);
    CHECK(reading.ended[1].id == 1);
    CHECK(reading.ended[2].key == a_long_one().key);
    REQUIRE(reading.ended_pinholes.size() == 2);
    CHECK(reading.ended_pinholes[0].id == a_pinhole(8).id);
    CHECK(reading.ended_pinholes[1].id == a_pinhole(9).id);

    std::string text = contents(directory / "leases");
    text.replace(0, text.find('\n') + 1, to_line(HeaderLine{"another boot", 5}));
    write(directory / "leases", text);
    const auto rebooted = journal.read(at_second(20));
    CHECK(rebooted.ended.empty());
    CHECK(rebooted.ended_pinholes.empty());

    journal.rewrite(mapper, kNow);
    CHECK(journal.read(at_second(6000)).ended.empty());
  }

  TEST_CASE("after a reboot a lease has the time it had left when last written") {
    const TemporaryDirectory directory;
    write(directory / "leases",
          to_line(HeaderLine{"another boot", 5}) +
              to_line(PutLine{at_second(1000), a_mapping().until(1600).id(4)}) +
              to_line(GoneLine{at_second(1100), 3}));
    const auto reading = Journal(directory / "leases").read(at_second(20));
    REQUIRE(reading.mappings.size() == 1);
    CHECK(reading.mappings[0].expires == at_second(520));
    CHECK(reading.last_id == 4);
  }

  TEST_CASE("cut at any byte, what is whole is read") {
    const TemporaryDirectory directory;
    const std::string header = to_line(HeaderLine{"x", 1}),
                      first = to_line(PutLine{kNow, a_mapping().id(1)}),
                      second = to_line(PutLine{kNow, a_long_one()});
    const std::string all = header + first + second;
    for (std::size_t length = 0; length <= all.size(); ++length) {
      write(directory / "leases", all.substr(0, length));
      const auto reading = Journal(directory / "leases").read(at_second(0));
      const std::size_t whole = std::size_t(length + 1 >= header.size() + first.size()) +
                                std::size_t(length + 1 >= all.size());
      CHECK(reading.mappings.size() == whole);
    }
  }

  TEST_CASE(
      "a long journal cut at any byte says what its whole lines say, and can be gone on with") {
    const TemporaryDirectory directory;
    std::vector<std::string> lines{to_line(HeaderLine{"x", 1})};
    for (MappingId id = 1; id <= 6; ++id)
      lines.push_back(to_line(
          PutLine{kNow, a_mapping().tcp(static_cast<std::uint16_t>(8000 + id), 80).id(id)}));
    lines.push_back(to_line(GoneLine{kNow, 2}));
    lines.push_back(to_line(PutLine{kNow, a_mapping().tcp(8003, 81).id(3).until(5000)}));
    for (std::uint16_t id = 1; id <= 5; ++id)
      lines.push_back(
          to_line(PinholeLine{kNow, a_pinhole(id, static_cast<std::uint16_t>(4000 + id), 5000)}));
    lines.push_back(to_line(PinholeGoneLine{kNow, *UniqueId::parse(4)}));
    lines.push_back(to_line(GoneLine{kNow, 5}));
    lines.push_back(to_line(PutLine{kNow, a_long_one()}));
    lines.push_back(to_line(PinholeLine{kNow, a_pinhole(6, 4006, 5000)}));
    lines.push_back(to_line(GoneLine{kNow, 1}));
    REQUIRE(lines.size() >= 19);

    std::string all, whole;
    for (const std::string& line : lines) {
      for (std::size_t cut = 0; cut < line.size(); ++cut) {
        write(directory / "cut", all + line.substr(0, cut));
        // A line without its newline is whole already.
        write(directory / "whole", cut + 1 == line.size() ? all + line : all);
        const auto read = Journal(directory / "cut").read(at_second(0));
        const auto expected = Journal(directory / "whole").read(at_second(0));
        REQUIRE(read.mappings.size() == expected.mappings.size());
        REQUIRE(read.pinholes.size() == expected.pinholes.size());
        for (std::size_t i = 0; i < read.mappings.size(); ++i) {
          REQUIRE(read.mappings[i].id == expected.mappings[i].id);
          REQUIRE(read.mappings[i].internal_port == expected.mappings[i].internal_port);
        }
        REQUIRE(read.last_id == expected.last_id);
        REQUIRE(read.problems.size() == std::size_t(cut > 0 && cut + 1 != line.size()));
        std::filesystem::remove(directory / "cut.foreign");
      }
      all += line;
    }
  }

  TEST_CASE("a file that cannot be read is put aside and named; a directory is left alone") {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "leases");
    Journal journal(directory / "leases");
    const auto reading = journal.read(kNow);
    REQUIRE(reading.problems.size() == 1);
    CHECK(reading.problems[0].find("cannot be read") != std::string::npos);
    CHECK(std::filesystem::is_directory(directory / "leases"));
    journal.rewrite(Mapper(usual_policy()), kNow);
    CHECK_FALSE(journal.fault().empty());
  }

  TEST_CASE("garbage between lines is named and passed over") {
    const TemporaryDirectory directory;
    write(directory / "leases", to_line(PutLine{kNow, a_mapping().id(1)}) +
                                    "garbage\n{}\n{\"put\":1,\"at\":5}\n" +
                                    to_line(PutLine{kNow, a_long_one()}));
    const auto reading = Journal(directory / "leases").read(kNow);
    CHECK(reading.mappings.size() == 2);
    CHECK(reading.problems.size() == 3);
  }

  TEST_CASE("a line with a value that its type refuses is not a line") {
    const std::string good = to_line(PutLine{kNow, a_long_one()});
    const auto with = [&](const std::string& from, const std::string& to) {
      std::string text = good;
      text.replace(text.find(from), from.size(), to);
      return parse_line(text);
    };
    CHECK(parse_line(good));
    CHECK_FALSE(with("\"external_port\":3075", "\"external_port\":0"));
    CHECK_FALSE(with("\"external_port\":3075", "\"external_port\":65536"));
    CHECK_FALSE(with("\"UDP\"", "\"ICMP\""));
    CHECK_FALSE(with("192.168.77.11", "127.0.0.1"));
    CHECK_FALSE(with("203.0.113.9", "example"));
    CHECK_FALSE(with("\"put\":3", "\"put\":-3"));
    CHECK_FALSE(with("\"expires\":5000000", "\"expires\":20000000000000000"));
    CHECK_FALSE(with("\"expires\":5000000", "\"expires\":-1"));
  }

  TEST_CASE("the longest lease is kept, also when the router has been up for decades") {
    const BootTime now = at_second(1'000'000'000);
    PortMapping longest = a_mapping();
    longest.expires = now + std::chrono::seconds(UINT32_MAX);
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    const Mapper mapper(usual_policy());
    journal.rewrite(mapper, now);
    journal.append(that_have({added(longest)}), mapper, now);
    const auto reading = journal.read(now + 60s);
    CHECK(reading.problems.empty());
    REQUIRE(reading.mappings.size() == 1);
    CHECK(reading.mappings[0].expires == longest.expires);
  }

  TEST_CASE("a lease file of another program is put aside, not overwritten") {
    const TemporaryDirectory directory;
    write(directory / "leases", "TCP:8080:192.168.1.2:80:0:web\n");
    Journal journal(directory / "leases");
    const auto reading = journal.read(kNow);
    CHECK(reading.problems.size() == 1);
    CHECK(reading.foreign == directory / "leases.foreign");
    journal.rewrite(Mapper(usual_policy()), kNow);
    CHECK(contents(directory / "leases.foreign") == "TCP:8080:192.168.1.2:80:0:web\n");
  }

  TEST_CASE("what could not be written is written when there is room again") {
    const TemporaryDirectory directory;
    Journal journal((directory / "sub") / "leases");
    Mapper mapper(usual_policy());
    REQUIRE(mapper.restore(a_mapping().id(1), kNow));
    journal.rewrite(mapper, kNow);
    CHECK_FALSE(journal.fault().empty());
    std::filesystem::create_directory(directory / "sub");
    journal.append(that_have({added(a_mapping().id(1))}), mapper, kNow + 999ms);
    CHECK_FALSE(journal.fault().empty());
    journal.append(that_have({added(a_mapping().id(1))}), mapper, kNow + 1s);
    CHECK(journal.fault().empty());
    CHECK(journal.read(kNow + 2s).mappings.size() == 1);
  }

  TEST_CASE("pinholes that were opened and not closed come back whole, rewritten or appended") {
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    Mapper mapper(usual_policy());
    Pinhole narrow = a_pinhole(7, 4001, 5000);
    narrow.key.remote_host = *PinholeRemoteHost::parse(at6("2001:db8:f::9"));
    narrow.key.remote_port = PinholeRemotePort::only(*RemotePort::parse(53));
    narrow.owner = at6("2001:db8:77::10");
    REQUIRE(mapper.restore(narrow, kNow));
    journal.rewrite(mapper, kNow);
    Outcome outcome;
    outcome.pinhole_events = {{PinholeEvent::Kind::Added, a_pinhole(8, 4000, 2000)},
                              {PinholeEvent::Kind::Renewed, a_pinhole(8, 4000, 3000)},
                              {PinholeEvent::Kind::Added, a_pinhole(9, 4002, 2000)},
                              {PinholeEvent::Kind::Deleted, a_pinhole(9, 4002, 2000)},
                              {PinholeEvent::Kind::Added, a_pinhole(10, 4003, 1030)}};
    journal.append(outcome, mapper, kNow);
    const auto reading = Journal(directory / "leases").read(kNow + 60s);
    CHECK(reading.problems.empty());
    REQUIRE(reading.pinholes.size() == 2);
    CHECK(reading.pinholes[0].key == narrow.key);
    CHECK(reading.pinholes[0].id == narrow.id);
    CHECK(reading.pinholes[0].owner == narrow.owner);
    CHECK(reading.pinholes[0].host == narrow.host);
    CHECK(reading.pinholes[1].key == a_pinhole(8).key);
    CHECK(reading.pinholes[1].expires == at_second(3000));
    const std::string line = to_line(PinholeLine{kNow, narrow});
    CHECK(parse_line(line));
    const auto with = [&](std::string_view old, std::string_view fresh) {
      std::string changed = line;
      changed.replace(changed.find(old), old.size(), fresh);
      return parse_line(changed).has_value();
    };
    CHECK_FALSE(with("02:00:00:00:00:10", "02:00:00:00:00"));
    CHECK_FALSE(with("02:00:00:00:00:10", "02:00:00:00:00:10:11"));
    CHECK_FALSE(with("2001:db8:77::10", "fe80::1"));
    CHECK_FALSE(with("\"pinhole\":7", "\"pinhole\":65536"));
    CHECK_FALSE(with("\"remote_port\":53", "\"remote_port\":0"));
    CHECK_FALSE(with("\"expires\":5000000", "\"expires\":9223372036854775807"));
    CHECK_FALSE(with("\"expires\":5000000", "\"expires\":-1"));
  }

  TEST_CASE("many changes to few mappings do not make a long file") {
    const TemporaryDirectory directory;
    Journal journal(directory / "leases");
    Mapper mapper(usual_policy());
    REQUIRE(mapper.restore(a_mapping().id(1), kNow));
    journal.rewrite(mapper, kNow);
    for (int i = 0; i < 5000; ++i)
      journal.append(that_have({added(a_mapping().id(1))}), mapper, kNow);
    CHECK(std::filesystem::file_size(directory / "leases") < 300'000);
    CHECK(journal.read(kNow).mappings.size() == 1);
  }

  TEST_CASE("a journal that cannot be written says so and goes on") {
    Journal journal("/nonexistent/leases");
    const Mapper mapper(usual_policy());
    journal.rewrite(mapper, kNow);
    CHECK(journal.fault().find("/nonexistent/leases") != std::string::npos);
    journal.append(that_have({added(a_mapping())}), mapper, kNow);
    CHECK(journal.read(kNow).mappings.empty());
  }
}
