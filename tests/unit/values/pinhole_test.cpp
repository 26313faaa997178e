#include "upnpd/pinhole.h"

#include <doctest/doctest.h>

#include "upnpd/error.h"

using namespace upnpd;

TEST_SUITE("pinhole") {
  TEST_CASE("a client is an address that is routed to one host") {
    for (const char* text : {"2001:db8::10", "fd00:77::10"})
      CHECK(PinholeClient::parse(*Ipv6Address::parse(text)));
    for (const char* text : {"::", "::1", "fe80::1", "ff02::c", "::ffff:192.0.2.1"}) {
      CHECK_FALSE(PinholeClient::parse(*Ipv6Address::parse(text)));
      CHECK_FALSE(PinholeRemoteHost::parse(*Ipv6Address::parse(text)));
    }
  }

  TEST_CASE("a lease lasts from a second to a day, an id is a ui2 but 0, and goes round") {
    CHECK_FALSE(PinholeLease::parse(0));
    CHECK(PinholeLease::parse(1));
    CHECK(PinholeLease::parse(86400));
    CHECK_FALSE(PinholeLease::parse(86401));
    CHECK_FALSE(UniqueId::parse(0));
    CHECK_FALSE(UniqueId::parse(65536));
    CHECK(UniqueId::parse(65535)->next().number() == 1);
    CHECK(UniqueId::parse(1)->next().number() == 2);
  }

  TEST_CASE("a log names the five values, wildcards as stars") {
    PinholeKey key{PinholeRemoteHost::any(), PinholeRemotePort::any(),
                   *PinholeClient::parse(*Ipv6Address::parse("2001:db8::10")),
                   *InternalPort::parse(4000), Protocol::UDP};
    CHECK(to_string(key) == "UDP [2001:db8::10]:4000");
    key.remote_port = PinholeRemotePort::only(*RemotePort::parse(53));
    CHECK(to_string(key) == "UDP [2001:db8::10]:4000 from *:53");
    key.remote_host = *PinholeRemoteHost::parse(*Ipv6Address::parse("2001:db8:f::9"));
    key.remote_port = PinholeRemotePort::any();
    CHECK(to_string(key) == "UDP [2001:db8::10]:4000 from [2001:db8:f::9]:*");
  }

  TEST_CASE("the firewall's errors are told apart from those of the same number, and sent as it") {
    CHECK(code_of(UpnpError::NoSuchEntry) == 704);
    CHECK(code_of(UpnpError::ConflictInMappingEntry) == 718);
    CHECK(to_string(UpnpError::WildCardNotPermittedInInternalClient) ==
          "WildCardNotPermittedInSrcIP");
    CHECK(is_upnp_error(1709));
    CHECK_FALSE(is_upnp_error(1710));
  }
}
