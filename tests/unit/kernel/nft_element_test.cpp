#include "nft_element.h"

#include <doctest/doctest.h>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {
std::string hex(const Fields& fields) {
  std::string text;
  for (const std::byte byte : fields.bytes()) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}
}  // namespace

TEST_SUITE("nft_element") {
  TEST_CASE("fields stand in network byte order, each padded to four bytes") {
    CHECK(hex(Fields().protocol(Protocol::TCP).port(8080)) ==
          "06000000"
          "1f900000");
    CHECK(hex(Fields().address(address("192.168.77.10")).port(80)) ==
          "c0a84d0a"
          "00500000");
    CHECK(hex(Fields().interface("lan").protocol(Protocol::UDP).port(1900)) ==
          "6c616e00000000000000000000000000"
          "11000000"
          "076c0000");
    CHECK(hex(Fields::of_port(8080)) == "1f90");
  }

  TEST_CASE("an interface name never runs into the next field") {
    CHECK(hex(Fields().interface("fifteen-letters-and-more").port(1)) ==
          "6669667465656e2d6c65747465727300"
          "00010000");
  }

  TEST_CASE("a reader gives back what was put in, and nothing behind the end") {
    const Fields fields =
        Fields().address(address("203.0.113.9")).protocol(Protocol::UDP).port(65535);
    FieldReader reader(fields);
    CHECK(reader.address() == address("203.0.113.9"));
    CHECK(reader.protocol() == Protocol::UDP);
    CHECK(reader.port() == 65535);
    CHECK_FALSE(reader.port());
    CHECK_FALSE(reader.address());
  }

  TEST_CASE("a reader takes a lone port of two bytes") {
    const Fields fields = Fields::of_port(1024);
    CHECK(FieldReader(fields).port() == 1024);
  }

  TEST_CASE("bytes longer than any key of ours are refused") {
    const std::array<std::byte, Fields::kMaxBytes + 1> bytes{};
    CHECK(Fields::from_bytes(std::span(bytes).first(Fields::kMaxBytes)));
    CHECK_FALSE(Fields::from_bytes(bytes));
  }

  TEST_CASE("a protocol other than TCP and UDP is no value") {
    const std::array<std::byte, 4> icmp{std::byte{1}};
    const auto fields = Fields::from_bytes(icmp).value();
    CHECK_FALSE(FieldReader(fields).protocol());
  }
}
