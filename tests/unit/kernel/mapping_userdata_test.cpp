#include "mapping_userdata.h"

#include <doctest/doctest.h>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {
std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  while (count-- > 0)
    result += text;
  return result;
}

std::string kept(std::string_view description) {
  const auto bytes = encode_mapping_note(a_mapping().described(description));
  CHECK(bytes.size() <= kMaxUserdata);
  return decode_mapping_note(bytes).description;
}
}  // namespace

TEST_SUITE("mapping_userdata") {
  TEST_CASE("id, LAN and owner come back") {
    const auto note = decode_mapping_note(
        encode_mapping_note(a_mapping().id(0xfedcba98).lan(3).owner("192.168.77.66")));
    REQUIRE(note.record);
    CHECK(note.record->id == 0xfedcba98);
    CHECK(note.record->lan == 3);
    CHECK(note.record->owner == address("192.168.77.66"));
  }

  TEST_CASE("the host's hardware address comes back, and a note without one is read as well") {
    PortMapping mapping = a_mapping().described(repeated("\"", 300));
    CHECK(decode_mapping_note(encode_mapping_note(mapping)).host == MacAddress{});
    mapping.host = {2, 0, 0x5e, 0x10, 0, 0xff};
    mapping.expires = BootTime(std::chrono::hours(1));
    const auto bytes = encode_mapping_note(mapping);
    CHECK(bytes.size() == kMaxUserdata);
    CHECK(decode_mapping_note(bytes).host == mapping.host);
    CHECK(decode_mapping_note(bytes).record);
  }

  TEST_CASE("a plain description is nft's comment, any other an attribute of ours") {
    const auto first_type = [](std::string_view description) {
      return std::to_integer<int>(encode_mapping_note(a_mapping().described(description))[0]);
    };
    CHECK(first_type("plain") == 0);
    CHECK(first_type(repeated("x", 127)) == 0);
    CHECK(first_type(repeated("x", 128)) == 16);
    CHECK(first_type("with \"quotes\"") == 16);
    CHECK(first_type("back\\slash") == 16);
    CHECK(first_type("") == 17);
  }

  TEST_CASE("descriptions come back whole up to 224 bytes") {
    for (const std::string& text :
         {std::string(), std::string("uTorrent (TCP)"), std::string("a \"quoted\" one"),
          std::string("B\xc3\xbc"
                      "cher"),
          repeated("x", 127), repeated("x", 128), repeated("\"", 224)})
      CHECK(kept(text) == text);
  }

  TEST_CASE("longer ones are cut between two characters") {
    CHECK(kept(repeated("x", 1024)) == repeated("x", 224));
    CHECK(kept("x" + repeated("\xc3\xbc", 200)) == "x" + repeated("\xc3\xbc", 111));
    CHECK(kept(repeated("\xf0\x9f\x8e\xae", 100)) == repeated("\xf0\x9f\x8e\xae", 56));
  }

  TEST_CASE("userdata cut short anywhere loses the attribute that is cut, no more") {
    const auto bytes = encode_mapping_note(a_mapping().described("game"));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto note = decode_mapping_note(std::span(bytes).first(size));
      CHECK(note.record.has_value() == (size >= 7 + 12));
      CHECK_FALSE(note.expires);
      CHECK(note.description == (size >= 7 ? "game" : ""));
    }
  }

  TEST_CASE("a record of another version, or unknown attributes, are passed over") {
    auto bytes = encode_mapping_note(a_mapping().described(""));
    bytes[2] = std::byte{2};
    CHECK_FALSE(decode_mapping_note(bytes).record);
    bytes[2] = std::byte{1};
    bytes.insert(bytes.begin(), {std::byte{200}, std::byte{1}, std::byte{7}});
    CHECK(decode_mapping_note(bytes).record);
  }

  TEST_CASE("the end of a lease comes back as it was given, none for a permanent one") {
    const auto expires_of = [](const PortMapping& mapping) {
      return decode_mapping_note(encode_mapping_note(mapping)).expires;
    };
    CHECK(expires_of(a_mapping().lasting(123456789ms)) == kNow + 123456789ms);
    CHECK(expires_of(a_mapping().lasting(24h * 365 * 100)) == kNow + 24h * 365 * 100);
    CHECK_FALSE(expires_of(a_mapping().permanent()));
  }
}
