#include "soap_reply.h"

#include <doctest/doctest.h>

#include <cstring>
#include <pugixml.hpp>

#include "xml_text.h"

using namespace upnpd;
using namespace upnpd::igd;

namespace {

pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  REQUIRE(document.load_buffer(text.data(), text.size()));
  return document;
}

}  // namespace

TEST_SUITE("soap_reply") {
  TEST_CASE("a reply names the action and the caller's URN, and keeps the order of values") {
    const auto document = parsed(write_soap_reply("urn:schemas-upnp-org:service:WANPPPConnection:1",
                                                  "GetStatusInfo", {{"NewB", "1"}, {"NewA", "2"}}));
    const auto response =
        document.child("s:Envelope").child("s:Body").child("u:GetStatusInfoResponse");
    REQUIRE(response);
    CHECK(std::string(response.attribute("xmlns:u").value()) ==
          "urn:schemas-upnp-org:service:WANPPPConnection:1");
    CHECK(std::string(response.first_child().name()) == "NewB");
    CHECK(std::string(response.last_child().name()) == "NewA");
    CHECK(std::string(response.child_value("NewA")) == "2");
  }

  TEST_CASE("whatever a value holds, the reply is well-formed and gives it back") {
    std::string ascii;
    for (char c = ' '; c < 0x7f; ++c)
      ascii += c;
    for (const std::string& value :
         {std::string("</NewA><script>&\"'"), std::string("]]>"), std::string("<!DOCTYPE a>"),
          std::string("Z\xc3\xbcrich"), ascii}) {
      const auto document = parsed(write_soap_reply("urn:x:1", "A", {{"NewA", value}}));
      CHECK(document.child("s:Envelope").child("s:Body").child("u:AResponse").child_value("NewA") ==
            value);
    }
    CHECK(escape_xml(std::string_view("a\0b\x1b\x7f\n", 6)) == "a b   ");
  }

  TEST_CASE("a fault carries the error's code and name") {
    const auto document = parsed(write_soap_fault(UpnpError::ConflictInMappingEntry));
    const auto fault = document.child("s:Envelope").child("s:Body").child("s:Fault");
    CHECK(std::string(fault.child_value("faultcode")) == "s:Client");
    CHECK(std::string(fault.child_value("faultstring")) == "UPnPError");
    const auto error = fault.child("detail").child("UPnPError");
    CHECK(std::string(error.attribute("xmlns").value()) == "urn:schemas-upnp-org:control-1-0");
    CHECK(std::string(error.child_value("errorCode")) == "718");
    CHECK(std::string(error.child_value("errorDescription")) == "ConflictInMappingEntry");
  }
}
