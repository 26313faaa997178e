#include "ports_in_use_reader.h"

#include <doctest/doctest.h>

#include <chrono>

#include "builders.h"
#include "lab.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;
using namespace std::chrono_literals;
using By = PortsInUse::By;

namespace {

const WanNames kWan{{"wan"}, {}, {*Ipv4Address::parse("203.0.113.1")}};

ExternalPort port(std::uint16_t number) {
  return *ExternalPort::parse(number);
}

}  // namespace

TEST_SUITE("ports_in_use_reader") {
  TEST_CASE("what is read stays for a second, and is read anew after it") {
    const Host router;
    router.run([&] {
      auto reader = PortsInUseReader::open();
      REQUIRE(reader);
      const auto start = std::chrono::steady_clock::now();
      CHECK(reader->read(kWan, BootTime(0s)).by(Protocol::UDP, port(5353)) == By::Nothing);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      MESSAGE("no listener and no redirect read in " << took.count() << " ms");
      CHECK(reader->fault() == "");
      const UdpSocket bound(router, "0.0.0.0", 5353);
      CHECK(reader->read(kWan, BootTime(999ms)).by(Protocol::UDP, port(5353)) == By::Nothing);
      CHECK(reader->read(kWan, BootTime(1s)).by(Protocol::UDP, port(5353)) == By::Listener);
      CHECK(reader->read(kWan, BootTime(2s)).by(Protocol::TCP, port(5353)) == By::Nothing);
    });
  }

  TEST_CASE("chains that call each other and sets of every kind are read to an end") {
    if (!has_command("nft")) return;
    const Host router;
    std::string rules =
        "table inet many { set s { type inet_service; flags interval; elements = { "
        "100, 200-300, 65000-65535 } }\n";
    std::string chain =
        "chain d { type nat hook prerouting priority dstnat; tcp dport @s redirect "
        "to :1; tcp dport != 0 jump e; ";
    for (int i = 0; i < 1000; ++i)
      chain += "iifname \"wan\" udp dport " + std::to_string(1000 + i) + " redirect to :1; ";
    rules += "chain f { ct state new accept; }\nchain e { jump f; jump f; }\n" + chain + "}\n}\n";
    CHECK(router.output_of("nft -f - <<'END'\n" + rules + "END") == "");
    router.run([&] {
      auto reader = PortsInUseReader::open();
      REQUIRE(reader);
      const auto start = std::chrono::steady_clock::now();
      const PortsInUse& ports = reader->read(kWan, BootTime(0s));
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      MESSAGE("1000 redirects read in " << took.count() << " ms");
      CHECK(reader->fault() == "");
      for (const int taken : {100, 200, 300, 65000, 65535})
        CHECK(ports.by(Protocol::TCP, port(std::uint16_t(taken))) == By::StaticRedirect);
      for (const int free : {99, 101, 199, 301, 64999})
        CHECK(ports.by(Protocol::TCP, port(std::uint16_t(free))) == By::Nothing);
      CHECK(ports.by(Protocol::UDP, port(1999)) == By::StaticRedirect);
      CHECK(ports.by(Protocol::UDP, port(2000)) == By::Nothing);
    });
  }
}
