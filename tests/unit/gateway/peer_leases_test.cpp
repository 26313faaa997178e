#include "peer_leases.h"

#include <doctest/doctest.h>

#include "../core/builders.h"

using namespace upnpd;
using namespace upnpd::core;
using namespace upnpd::gateway;
using namespace std::chrono_literals;

namespace {

const BootTime kNow = at_second(1000);
constexpr std::int64_t kDate = 1'800'000'000;

PeerLeases read(std::string_view text, std::optional<std::int64_t> date = kDate) {
  return read_peer_leases(text, kNow, date);
}

// The one mapping of a line, its key, client and port in words; "" when there is none.
std::string mapping_of(std::string_view line) {
  const PeerLeases leases = read(line);
  if (leases.mappings.size() != 1) return "";
  const PortMapping& m = leases.mappings[0];
  return std::string(to_string(m.key.protocol)) + " " +
         std::to_string(m.key.external_port.number()) + " " + m.key.remote_host.to_string() + " " +
         m.client.address().to_string() + " " + std::to_string(m.internal_port.number()) + " " +
         m.description.text();
}

bool is_understood(std::string_view line) {
  const PeerLeases leases = read(line);
  return leases.mappings.size() + leases.pinholes.size() + leases.ended == 1 &&
         leases.not_understood.empty();
}

}  // namespace

TEST_SUITE("peer_leases") {
  TEST_CASE("both IPv4 formats are read, the description is whatever is left") {
    CHECK(mapping_of("TCP:8080:192.168.1.2:80:0:web") == "TCP 8080  192.168.1.2 80 web");
    CHECK(mapping_of("UDP:1:192.168.1.2:65535:0:a: b ::c:1:2") ==
          "UDP 1  192.168.1.2 65535 a: b ::c:1:2");
    CHECK(mapping_of("TCP:8080:203.0.113.9:192.168.1.2:80:0:10.0.0.1:80:x") ==
          "TCP 8080 203.0.113.9 192.168.1.2 80 10.0.0.1:80:x");
    for (const char* const any : {"", "*", "0.0.0.0"})
      CHECK(mapping_of(std::string("UDP:8080:") + any + ":192.168.1.2:80:0:") ==
            "UDP 8080  192.168.1.2 80 ");
    CHECK(mapping_of("TCP:8080:192.168.1.2:80:0") == "TCP 8080  192.168.1.2 80 ");
    CHECK(mapping_of("TCP:8080:192.168.1.2:80:0:web\r") == "TCP 8080  192.168.1.2 80 web");
    CHECK(mapping_of("TCP:8080:192.168.1.2:80:0:a\tb\x1b[2J\xff") ==
          "TCP 8080  192.168.1.2 80 a b [2J\xef\xbf\xbd");
  }

  TEST_CASE("a lease ends at its date, is permanent, or has ended") {
    const auto left = [](const std::string& expiry, std::optional<std::int64_t> date = kDate) {
      return read("TCP:8080:192.168.1.2:80:" + expiry + ":x", date).mappings.at(0).expires;
    };
    CHECK_FALSE(left("0"));
    CHECK_FALSE(left("0", std::nullopt));
    CHECK(left(std::to_string(kDate + 60)) == kNow + 60s);
    CHECK(left("4294967295") == kNow + 604800s);
    CHECK(left("1", std::nullopt) == kNow + kLeaseOfUnknownEnd);
    for (const std::int64_t over : {std::int64_t{1}, kDate - 1, kDate}) {
      const PeerLeases leases = read("TCP:8080:192.168.1.2:80:" + std::to_string(over) + ":x");
      CHECK(leases.mappings.empty());
      CHECK(leases.ended == 1);
    }
  }

  TEST_CASE("pinholes keep the id their client knows") {
    const PeerLeases leases = read(
        "UDP;2001:db8:77::10;4000;;0;7;0;game\n"
        "TCP;2001:db8:77::10;4001;2001:db8:f::9;53;8;" +
        std::to_string(kDate + 90) + ";a;b:c\n");
    REQUIRE(leases.pinholes.size() == 2);
    CHECK(leases.pinholes[0].key.remote_host.is_any());
    CHECK(leases.pinholes[0].key.remote_port.is_any());
    CHECK(leases.pinholes[0].expires == kNow + 86400s);
    CHECK(leases.pinholes[0].id.number() == 7);
    CHECK(leases.pinholes[1].key.remote_host.to_string() == "2001:db8:f::9");
    CHECK(leases.pinholes[1].key.remote_port.port()->number() == 53);
    CHECK(leases.pinholes[1].expires == kNow + 90s);
  }

  TEST_CASE("a line with a value that its type refuses is not understood, the others are") {
    for (const char* const line : {"x",
                                   ":",
                                   ";",
                                   ":::::",
                                   ";;;;;;;",
                                   "SCTP:80:192.168.1.2:80:0:x",
                                   "TCP:0:192.168.1.2:80:0:x",
                                   "TCP:65536:192.168.1.2:80:0:x",
                                   "TCP:80:127.0.0.1:80:0:x",
                                   "TCP:80:192.168.1.2:0:0:x",
                                   "TCP:80:192.168.1.2:80:-1:x",
                                   "TCP:80:192.168.1.2:80:4294967296:x",
                                   "TCP:80:192.168.1.2:80::x",
                                   "TCP:80:192.168.1.2",
                                   "TCP:80:host:80:0:x",
                                   "TCP:80:224.0.0.1:192.168.1.2:80:0:x",
                                   "TCP:80:example:192.168.1.2:80:0:x",
                                   "TCP;fe80::1;80;;0;7;0;x",
                                   "TCP;2001:db8::1;80;;0;0;0;x",
                                   "TCP;2001:db8::1;80;;70000;7;0;x",
                                   "TCP;2001:db8::1;80;x;0;7;0;x",
                                   "TCP;2001:db8::1;80;;0;7;x;x",
                                   "TCP;192.168.1.2;80;;0;7;0;x",
                                   "{\"journal\":1,\"boot_id\":\"x\",\"next_id\":1}"}) {
      CAPTURE(line);
      CHECK_FALSE(is_understood(line));
      CHECK(read(std::string(line) + "\nTCP:80:192.168.1.2:80:0:x\n").mappings.size() == 1);
    }
    const std::string too_long = "TCP:80:192.168.1.2:80:0:" + std::string(1025, 'x');
    CHECK_FALSE(is_understood(too_long));
    CHECK(read("\n\nx\n\ny").not_understood == std::vector<std::size_t>{3, 5});
  }

  TEST_CASE("any bytes are read to an end") {
    std::uint32_t random = 1;
    for (int round = 0; round < 2000; ++round) {
      std::string text = "TCP:80:192.168.1.2:80:0:x\nUDP;2001:db8::1;80;;0;7;0;x\n";
      for (int i = 0; i < 6; ++i) {
        random = random * 1664525 + 1013904223;
        text[(random >> 8) % text.size()] = static_cast<char>(random >> 16);
        text.insert(random % text.size(), 1, ":;\n\0"[random >> 20 & 3]);
      }
      const PeerLeases leases = read(text);
      CHECK(leases.mappings.size() + leases.pinholes.size() + leases.ended +
                leases.not_understood.size() <=
            text.size());
    }
  }
}
