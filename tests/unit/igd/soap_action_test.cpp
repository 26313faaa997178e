#include "soap_action.h"

#include <doctest/doctest.h>

using upnpd::igd::parse_soap_action;

TEST_SUITE("soap_action") {
  TEST_CASE("the header is read with whatever quotes a client puts around it") {
    for (const char* header : {
             "\"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"",
             "'urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping'",
             "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping",
             "\"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping",
             "urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"",
             "  \" urn:schemas-upnp-org:service:WANIPConnection:1 # AddPortMapping \" ",
             "\"urn:schemas-upnp-org:service:WANIPConnection:1\"#\"AddPortMapping\"",
         }) {
      CAPTURE(header);
      const auto parsed = parse_soap_action(header);
      REQUIRE(parsed);
      CHECK(parsed->urn == "urn:schemas-upnp-org:service:WANIPConnection:1");
      CHECK(parsed->action == "AddPortMapping");
    }
  }

  TEST_CASE("a header without both parts, or with foreign characters, is refused") {
    for (const char* header :
         {"", "\"\"", "#", "urn:x:1", "urn:x:1#", "#Action", "\"#\"", "urn:x:1#Act<ion",
          "urn x:1#Action", "urn:x\"y:1#Action", "urn:x:1#Action\r\nX: y", "urn:\xff#A"})
      CHECK_FALSE(parse_soap_action(header));
    CHECK_FALSE(parse_soap_action("urn:x:1#" + std::string(257, 'A')));
    CHECK_FALSE(parse_soap_action(std::string(100'000, '"')));
  }
}
