#include "upnpd/ipv6_address.h"

#include <doctest/doctest.h>

#include <string>

#include "upnpd/ip_address.h"

using upnpd::Ipv6Address;
using upnpd::Ipv6Network;

TEST_SUITE("ipv6_address") {
  TEST_CASE("an address of either family, and as the host of a URL") {
    CHECK(upnpd::url_host(*upnpd::parse_ip_address("192.0.2.1")) == "192.0.2.1");
    CHECK(upnpd::url_host(*upnpd::parse_ip_address("fe80:0::1")) == "[fe80::1]");
    CHECK_FALSE(upnpd::parse_ip_address("[fe80::1]"));
    CHECK_FALSE(upnpd::parse_ip_address("router.lan"));
  }

  TEST_CASE("an address is a literal of RFC 4291, without zone or brackets") {
    CHECK(Ipv6Address::parse("2001:DB8:0::10")->to_string() == "2001:db8::10");
    CHECK(Ipv6Address::parse("::")->is_unspecified());
    CHECK(Ipv6Address::parse("::ffff:192.0.2.1")->is_ipv4_mapped());
    for (const char* text :
         {"", "1.2.3.4", "2001:db8:::1", "[2001:db8::1]", "fe80::1%lan", "2001:db8::1 ",
          "localhost", "2001:db8::1/64", "1:2:3:4:5:6:7:8:9", "12345::"})
      CHECK_FALSE(Ipv6Address::parse(text));
    CHECK_FALSE(Ipv6Address::parse(std::string_view("::1\0x", 5)));
    CHECK_FALSE(Ipv6Address::parse(std::string(300, ':')));
  }

  TEST_CASE("address classes end where their RFCs say") {
    const auto at = [](const char* text) { return *Ipv6Address::parse(text); };
    CHECK(at("::1").is_loopback());
    CHECK_FALSE(at("::2").is_loopback());
    CHECK(at("fe80::").is_link_local());
    CHECK(at("febf:ffff::1").is_link_local());
    CHECK_FALSE(at("fec0::1").is_link_local());
    CHECK(at("ff02::c").is_multicast());
    CHECK(at("fc00::1").is_unique_local());
    CHECK(at("fdff::1").is_unique_local());
    CHECK_FALSE(at("fe00::1").is_unique_local());
    CHECK_FALSE(at("::fffe:192.0.2.1").is_ipv4_mapped());
  }

  TEST_CASE("a network holds the addresses of its prefix, to the bit") {
    const auto holds = [](const char* network, const char* address) {
      return Ipv6Network::parse(network)->contains(*Ipv6Address::parse(address));
    };
    CHECK(holds("2001:db8::1/64", "2001:db8::ffff:1"));
    CHECK_FALSE(holds("2001:db8::1/64", "2001:db8:0:1::1"));
    CHECK(holds("2001:db8:8000::/33", "2001:db8:ffff::1"));
    CHECK_FALSE(holds("2001:db8:8000::/33", "2001:db8:7fff::1"));
    CHECK(holds("::/0", "ff02::c"));
    CHECK(holds("2001:db8::1", "2001:db8::1"));
    CHECK_FALSE(holds("2001:db8::1", "2001:db8::2"));
    for (const char* text : {"2001:db8::/129", "2001:db8::/", "/64", "2001:db8::/6x", "10.0.0.0/8"})
      CHECK_FALSE(Ipv6Network::parse(text));
  }
}
