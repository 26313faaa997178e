#include "codec.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace upnpd;
using wire::DecodeError;

namespace {

RequestHead a_head() {
  return {0x0102030405060708, 1, *Ipv4Address::parse("192.168.77.10"), IgdVersion::v2};
}

AddPortMapping an_add() {
  return {a_head(),
          {NoAddress{}, 8080, Protocol::TCP, 80, *Ipv4Address::parse("192.168.77.10"), true,
           PortMappingDescription::parse("a web server"), 3600}};
}

Entry an_entry() {
  return {7,
          {*RemoteHost::parse(*Ipv4Address::parse("203.0.113.9")), *ExternalPort::parse(8080),
           Protocol::UDP},
          *InternalClient::parse(*Ipv4Address::parse("192.168.77.10")),
          *InternalPort::parse(80),
          true,
          *PortMappingDescription::parse("x"),
          42};
}

template <class Messages, class Message>
Message round_trip(const Message& message) {
  const auto decoded = wire::decode<Messages>(wire::encode(message));
  REQUIRE(decoded);
  REQUIRE(std::holds_alternative<Message>(*decoded));
  return std::get<Message>(*decoded);
}

}  // namespace

TEST_SUITE("codec") {
  TEST_CASE("a request comes out as it went in") {
    const auto add = round_trip<FromService>(an_add());
    CHECK(add.head.id == 0x0102030405060708);
    CHECK(to_string(add.head.caller) == "192.168.77.10");
    CHECK(add.head.version == IgdVersion::v2);
    AddPortMapping over_ipv6 = an_add();
    over_ipv6.head.caller = *Ipv6Address::parse("fe80::10");
    CHECK(to_string(round_trip<FromService>(over_ipv6).head.caller) == "fe80::10");
    CHECK(std::holds_alternative<NoAddress>(add.arguments.remote_host));
    CHECK(std::get<Ipv4Address>(add.arguments.internal_client).to_string() == "192.168.77.10");
    CHECK(add.arguments.external_port == 8080);
    CHECK(add.arguments.description->text() == "a web server");
    CHECK(add.arguments.lease_duration == 3600);
  }

  TEST_CASE("a reply comes out as it went in") {
    const auto entry = round_trip<ToService>(an_entry());
    CHECK(entry.key == an_entry().key);
    CHECK(entry.client == an_entry().client);
    CHECK(round_trip<ToService>(Refused{9, UpnpError::ConflictInMappingEntry}).error ==
          UpnpError::ConflictInMappingEntry);
    CHECK(round_trip<ToService>(
              WanState{1, ConnectionStatus::Connected, std::nullopt, BootTime(), 1, 2, true, true})
              .downstream_bit_rate == 2);
  }

  TEST_CASE("requests about pinholes and their replies come out as they went in") {
    const auto client = *Ipv6Address::parse("2001:db8:77::10");
    const auto add = round_trip<FromService>(
        AddPinhole{a_head(), {NoAddress{}, 53, client, 4000, 65535, 86400}});
    CHECK(std::holds_alternative<NoAddress>(add.arguments.remote_host));
    CHECK(std::get<Ipv6Address>(add.arguments.internal_client) == client);
    CHECK(add.arguments.protocol == 65535);
    CHECK(add.arguments.lease_time == 86400);
    CHECK(round_trip<FromService>(UpdatePinhole{a_head(), 7, 60}).unique_id == 7);
    CHECK(round_trip<FromService>(GetOutboundPinholeTimeout{a_head(), 17}).protocol == 17);
    CHECK(round_trip<ToService>(PinholeAdded{1, *UniqueId::parse(7)}).unique_id.number() == 7);
    CHECK(round_trip<ToService>(PinholePackets{1, 99}).packets == 99);
    CHECK(round_trip<ToService>(Refused{1, UpnpError::NoSuchEntry}).error ==
          UpnpError::NoSuchEntry);
    auto frame = wire::encode(PinholeAdded{1, *UniqueId::parse(1)});
    frame.back() = std::byte{0};
    CHECK(wire::decode<ToService>(frame).error() == DecodeError::InvalidValue);
  }

  TEST_CASE("a list and a request for its next part come out as they went in") {
    const EntryList list{7, {an_entry(), an_entry()}, false};
    const auto decoded = round_trip<ToService>(list);
    REQUIRE(decoded.entries.size() == 2);
    CHECK(decoded.entries[1].key == an_entry().key);
    CHECK_FALSE(decoded.is_last);
    const auto request = round_trip<FromService>(
        GetListOfPortMappings{a_head(), {1, 2, UnknownProtocol{}}, 3, an_entry().key});
    CHECK(request.range.end_port == 2);
    CHECK(std::holds_alternative<UnknownProtocol>(request.range.protocol));
    CHECK(request.after == an_entry().key);
    CHECK(std::holds_alternative<NoProtocol>(
        round_trip<FromService>(DeletePortMappingRange{a_head(), {1, 2, NoProtocol{}}})
            .range.protocol));
  }

  TEST_CASE("the fullest list fits a frame") {
    Entry entry = an_entry();
    for (const std::size_t length : {std::size_t{0}, PortMappingDescription::kMaxBytes}) {
      entry.description = *PortMappingDescription::parse(std::string(length, 'x'));
      const EntryList full{
          7, std::vector(EntryList::kMaxBytes / (EntryList::kEntryBytes + length), entry), true};
      CHECK(wire::encode(full).size() <= wire::kMaxFrame);
    }
  }

  TEST_CASE("a list that claims more entries than it has is refused, at no cost") {
    auto frame = wire::encode(EntryList{7, {}, true});
    frame[9] = frame[10] = std::byte{0xff};
    CHECK(wire::decode<ToService>(frame).error() == DecodeError::WrongLength);
  }

  TEST_CASE("messages to and from an announcer come out as they went in") {
    const AnnounceLan lan{2,   "br-lan", *Ipv4Network::parse("192.168.77.1/24"), 5000, 0, 900, "u",
                          "t", 7};
    CHECK(round_trip<ToAnnouncer>(lan).address.to_string() == "192.168.77.1/24");
    CHECK(round_trip<ToAnnouncer>(lan).description_hash == 7);
    const AnnounceLanIpv6 ipv6{
        {*Ipv6Network::parse("fe80::1/64"), *Ipv6Network::parse("fd00::1/48")}, 5000};
    CHECK(round_trip<ToAnnouncer>(ipv6).addresses == ipv6.addresses);
    const ServeLan serve{2, "br-lan", IpFamily::V6, ipv6.addresses, 5000, 49152};
    CHECK(round_trip<ToService>(serve).addresses == ipv6.addresses);
    CHECK(round_trip<ToService>(LeaveLan{2, IpFamily::V6}).family == IpFamily::V6);
    CHECK(round_trip<FromService>(LanServed{2, IpFamily::V6, 49152}).family == IpFamily::V6);
    round_trip<ToAnnouncer>(StartAnnouncing{});
    CHECK(round_trip<FromAnnouncer>(AnnouncerReady{49152}).event_port == 49152);
  }

  TEST_CASE("a frame cut anywhere, or with a byte more, is refused") {
    const auto frame = wire::encode(an_add());
    for (std::size_t length = 0; length < frame.size(); ++length)
      CHECK(wire::decode<FromService>(std::span(frame).first(length)).error() ==
            DecodeError::WrongLength);
    auto longer = frame;
    longer.push_back(std::byte{0});
    CHECK(wire::decode<FromService>(longer).error() == DecodeError::WrongLength);
  }

  TEST_CASE("a message of the other direction is unknown") {
    CHECK(wire::decode<FromService>(wire::encode(Done{1})).error() == DecodeError::UnknownMessage);
    CHECK(wire::decode<ToAnnouncer>(wire::encode(an_add())).error() == DecodeError::UnknownMessage);
    CHECK(wire::decode<FromAnnouncer>(wire::encode(StopAnnouncing{})).error() ==
          DecodeError::UnknownMessage);
  }

  TEST_CASE("a value that its type refuses makes the frame invalid") {
    auto frame = wire::encode(Reserved{1, *ExternalPort::parse(1)});
    frame.back() = std::byte{0};  // port 0
    CHECK(wire::decode<ToService>(frame).error() == DecodeError::InvalidValue);
    frame = wire::encode(Refused{1, UpnpError::ActionFailed});
    frame.back() = std::byte{0};  // 0x0100 is no error code
    CHECK(wire::decode<ToService>(frame).error() == DecodeError::InvalidValue);
  }

  TEST_CASE("no byte of any frame, changed to anything, does more than be refused") {
    const auto frame = wire::encode(an_entry());
    for (std::size_t place = 0; place < frame.size(); ++place)
      for (int value = 0; value < 256; ++value) {
        auto changed = frame;
        changed[place] = std::byte(value);
        const auto decoded = wire::decode<ToService>(changed);
        if (decoded && std::holds_alternative<Entry>(*decoded))
          CHECK(std::get<Entry>(*decoded).description.text().size() <=
                PortMappingDescription::kMaxBytes);
      }
  }
}
