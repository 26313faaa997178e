#include "upnpd/port_mapping.h"

#include <doctest/doctest.h>

#include <chrono>

#include "upnpd/device_tree.h"
#include "upnpd/error.h"

using namespace upnpd;
using namespace std::chrono_literals;

TEST_SUITE("port_mapping") {
  TEST_CASE("a port is 1 to 65535") {
    CHECK_FALSE(ExternalPort::parse(0));
    CHECK(ExternalPort::parse(1)->number() == 1);
    CHECK(ExternalPort::parse(65535)->number() == 65535);
    CHECK_FALSE(ExternalPort::parse(65536));
  }

  TEST_CASE("a protocol is TCP or UDP, in any case") {
    CHECK(parse_protocol("tcp") == Protocol::TCP);
    CHECK(parse_protocol("UdP") == Protocol::UDP);
    CHECK_FALSE(parse_protocol(""));
    CHECK_FALSE(parse_protocol("TCPX"));
    CHECK_FALSE(parse_protocol(std::uint8_t{1}));
  }

  TEST_CASE("a client is a host, so never a class of addresses that no host has") {
    for (const char* text :
         {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"})
      CHECK_FALSE(InternalClient::parse(*Ipv4Address::parse(text)));
    CHECK(InternalClient::parse(*Ipv4Address::parse("192.168.1.2")));
  }

  TEST_CASE("a description keeps its words and loses what could harm a log or a document") {
    const auto text = [](std::string_view raw) {
      return PortMappingDescription::parse(raw)->text();
    };
    CHECK(text("Spiel: \"Zürich\" <1>") == "Spiel: \"Zürich\" <1>");
    CHECK(text("a\nb\x1b[31m\x7f") == "a b [31m ");
    CHECK(text("\xff") == "\xef\xbf\xbd");
    CHECK(text("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");              // overlong '/'
    CHECK(text("\xed\xa0\x80").find("\xed\xa0") == std::string::npos);  // a surrogate
    CHECK(text("\xc2\x9b") == " ");                                     // C1: CSI
    CHECK(text("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");              // cut short
    CHECK(text("\xef\xbf\xbf") == " ");                                 // U+FFFF is not XML
    CHECK(text("a\xe2\x80\xa8z\xe2\x80\xa9") == "a z ");                // U+2028, U+2029: line ends
    CHECK(text("\xe2\x80\xae\xe2\x81\xa6") == "  ");                    // U+202E, U+2066: direction
  }

  TEST_CASE("a description of 1024 bytes is taken, one more is not") {
    CHECK(PortMappingDescription::parse(std::string(1024, 'x')));
    CHECK_FALSE(PortMappingDescription::parse(std::string(1025, 'x')));
    CHECK_FALSE(PortMappingDescription::parse(std::string(400, '\xff')));
  }

  TEST_CASE("the devices' UUIDs differ from each other") {
    const std::string root = "6e9b0d1e-0000-4000-8000-00000000000f";
    const auto wan = device_uuid(root, DeviceLevel::WanDevice);
    const auto connection = device_uuid(root, DeviceLevel::WanConnectionDevice);
    CHECK(device_uuid(root, DeviceLevel::Root) == root);
    CHECK(wan != root);
    CHECK(connection != wan);
    CHECK(wan.size() == root.size());
  }

  TEST_CASE("every error code has its name and no other code is one") {
    CHECK(is_upnp_error(718));
    CHECK(to_string(UpnpError::ConflictInMappingEntry) == "ConflictInMappingEntry");
    CHECK_FALSE(is_upnp_error(0));
    CHECK_FALSE(is_upnp_error(999));
  }
}
