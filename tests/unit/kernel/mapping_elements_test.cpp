#include "mapping_elements.h"

#include <doctest/doctest.h>

#include <string_view>

#include "builders.h"
#include "nft_sets.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

TEST_SUITE("mapping_elements") {
  TEST_CASE("a mapping becomes an element and again the same mapping") {
    const PortMapping mapping = a_mapping()
                                    .udp()
                                    .port(3074)
                                    .to("192.168.77.20", 3075)
                                    .id(9)
                                    .lan(1)
                                    .owner("192.168.77.21")
                                    .described("DemonwarePortMapping");
    const Element element = element_of(mapping, kNow);
    CHECK(element.key == Fields().protocol(Protocol::UDP).port(3074));
    CHECK(element.data == Fields().address(address("192.168.77.20")).port(3075));
    CHECK(element.lifetime == 1h);
    const auto key = mapping_key_of(element);
    REQUIRE(key);
    CHECK(*key == mapping.key);
    const auto back = mapping_of(*key, element, kNow);
    REQUIRE(back);
    CHECK(back->client == mapping.client);
    CHECK(back->internal_port == mapping.internal_port);
    CHECK(back->description == mapping.description);
    CHECK(back->expires == mapping.expires);
    CHECK(back->id == 9);
    CHECK(back->lan == 1);
    CHECK(back->owner == mapping.owner);
  }

  TEST_CASE("a RemoteHost decides the map and leads the key") {
    const PortMapping mapping = a_mapping().from("203.0.113.9");
    CHECK(map_of(mapping.key) == std::string_view(kRemoteMappings));
    CHECK(map_of(PortMapping(a_mapping()).key) == std::string_view(kMappings));
    const Element element = element_of(mapping, kNow);
    CHECK(element.key ==
          Fields().address(address("203.0.113.9")).protocol(Protocol::TCP).port(8080));
    CHECK(remote_mapping_key_of(element) == mapping.key);
  }

  TEST_CASE("a lease that has ended lives one millisecond, a permanent one for good") {
    CHECK(element_of(a_mapping().lasting(0ms), kNow).lifetime == 1ms);
    CHECK(element_of(a_mapping().lasting(-1h), kNow).lifetime == 1ms);
    CHECK_FALSE(element_of(a_mapping().permanent(), kNow).lifetime);
  }

  TEST_CASE("an element put in by hand is owned by its client and has no id") {
    Element element = element_of(a_mapping().id(7).lan(2).owner("192.168.77.99"), kNow);
    element.userdata.clear();
    const auto mapping = mapping_of(mapping_key_of(element).value(), element, kNow);
    REQUIRE(mapping);
    CHECK(mapping->id == 0);
    CHECK(mapping->lan == 0);
    CHECK(mapping->owner == address("192.168.77.10"));
    CHECK(mapping->description.text() == "");
  }

  TEST_CASE("elements that make no valid mapping are none") {
    Element element = element_of(a_mapping(), kNow);
    SUBCASE("external port 0") {
      element.key = Fields().protocol(Protocol::TCP).port(0);
    }
    SUBCASE("a key cut short") {
      element.key = Fields().protocol(Protocol::TCP);
    }
    SUBCASE("no key") {
      element.key = {};
    }
    CHECK_FALSE(mapping_key_of(element));
  }

  TEST_CASE("data that names no client or port is no mapping") {
    const PortMappingKey key = PortMapping(a_mapping()).key;
    Element element = element_of(a_mapping(), kNow);
    SUBCASE("loopback") {
      element.data = Fields().address(address("127.0.0.1")).port(80);
    }
    SUBCASE("internal port 0") {
      element.data = Fields().address(address("192.168.77.10")).port(0);
    }
    SUBCASE("none") {
      element.data = {};
    }
    CHECK_FALSE(mapping_of(key, element, kNow));
  }

  TEST_CASE("an outward mapping is an element with its external port and one without data") {
    const OutwardMapping outward = an_outward_mapping();
    const Element source_port = source_port_element_of(outward, kNow);
    const Element client = mapped_client_element_of(outward, kNow);
    CHECK(source_port.key == client.key);
    CHECK(source_port.data == Fields::of_port(8080));
    CHECK(source_port.lifetime == 1h);
    CHECK(client.data == Fields());
    CHECK(client.lifetime == 2h);
  }
}
