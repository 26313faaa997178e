#include "upnpd/address.h"

#include <doctest/doctest.h>

using upnpd::Ipv4Address;
using upnpd::Ipv4Network;

TEST_SUITE("address") {
  TEST_CASE("an address is four decimal numbers and nothing else") {
    CHECK(Ipv4Address::parse("192.168.77.10")->host_order() == 0xc0a84d0a);
    CHECK(Ipv4Address::parse("255.255.255.255")->to_string() == "255.255.255.255");
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ",
                             "0x1.2.3.4", "localhost", "1.2.3.4444444444444"})
      CHECK_FALSE(Ipv4Address::parse(text));
    CHECK_FALSE(Ipv4Address::parse(std::string_view("1.2.3.4\0x", 9)));
  }

  TEST_CASE("address classes end where their RFCs say") {
    const auto at = [](const char* text) { return *Ipv4Address::parse(text); };
    CHECK(at("100.64.0.0").is_carrier_grade());
    CHECK(at("100.127.255.255").is_carrier_grade());
    CHECK_FALSE(at("100.63.255.255").is_carrier_grade());
    CHECK_FALSE(at("100.128.0.0").is_carrier_grade());
    CHECK(at("172.16.0.0").is_private());
    CHECK(at("172.31.255.255").is_private());
    CHECK_FALSE(at("172.32.0.0").is_private());
    CHECK(at("203.0.113.9").is_documentation());
    CHECK(at("239.255.255.250").is_multicast());
    CHECK(at("255.255.255.255").is_reserved());
  }

  TEST_CASE("a network is read with a prefix length, with a mask, or as one host") {
    CHECK(Ipv4Network::parse("192.168.1.1/24")->prefix_length() == 24);
    CHECK(Ipv4Network::parse("192.168.1.1/255.255.254.0")->prefix_length() == 23);
    CHECK(Ipv4Network::parse("0.0.0.0/0")->contains(*Ipv4Address::parse("203.0.113.9")));
    CHECK(Ipv4Network::parse("10.0.0.1")->prefix_length() == 32);
    for (const char* text :
         {"10.0.0.1/33", "10.0.0.1/255.0.255.0", "10.0.0.1/", "/8", "10.0.0.1/8x"})
      CHECK_FALSE(Ipv4Network::parse(text));
  }

  TEST_CASE("network and broadcast address are nobody's, but for a /31 and a /32") {
    const auto host_in = [](const char* network, const char* address) {
      return Ipv4Network::parse(network)->contains_host(*Ipv4Address::parse(address));
    };
    CHECK(host_in("192.168.1.1/24", "192.168.1.254"));
    CHECK_FALSE(host_in("192.168.1.1/24", "192.168.1.0"));
    CHECK_FALSE(host_in("192.168.1.1/24", "192.168.1.255"));
    CHECK_FALSE(host_in("192.168.1.1/24", "192.168.2.1"));
    CHECK(host_in("192.0.2.0/31", "192.0.2.1"));
    CHECK(host_in("192.0.2.0/32", "192.0.2.0"));
  }
}
