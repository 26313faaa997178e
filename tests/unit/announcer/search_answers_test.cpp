#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "search_answers.h"

using namespace upnpd::announcer;

namespace {

const upnpd::IpAddress kGroup = *upnpd::parse_ip_address("239.255.255.250");
const SsdpIdentity kIdentity{.uuid = "00000000-0000-4000-8000-00000000000a",
                             .igd1_location = "http://192.168.77.1:5555/t/igd1.xml",
                             .igd2_location = "http://192.168.77.1:5555/t/igd2.xml",
                             .boot_id = 7,
                             .config_id = 8};
const std::string kRoot = "uuid:00000000-0000-4000-8000-00000000000a";
const std::string kWanDevice = "uuid:00000000-0000-4000-8000-00000000000b";
const std::string kWanConnection = "uuid:00000000-0000-4000-8000-00000000000c";
const std::string kDevice = "urn:schemas-upnp-org:device:";
const std::string kService = "urn:schemas-upnp-org:service:";

std::vector<SearchAnswer> answers(const std::string& target, bool microsoft = false) {
  return search_answers({.search_target = target, .from_microsoft = microsoft}, kIdentity);
}

struct Case {
  std::string target;
  std::string udn;
  Document document;
};

}  // namespace

TEST_SUITE_BEGIN("search_answers");

TEST_CASE("each target leads to the document that its searcher understands, ST as it asked") {
  const std::vector<Case> cases{
      {"upnp:rootdevice", kRoot, Document::Igd1},
      {kDevice + "InternetGatewayDevice:1", kRoot, Document::Igd1},
      {kDevice + "InternetGatewayDevice:2", kRoot, Document::Igd2},
      {kDevice + "InternetGatewayDevice:", kRoot, Document::Igd1},
      {kDevice + "InternetGatewayDevice", kRoot, Document::Igd1},
      {kDevice + "WANDevice:1", kWanDevice, Document::Igd1},
      {kDevice + "WANDevice:2", kWanDevice, Document::Igd2},
      {kDevice + "WANConnectionDevice:1", kWanConnection, Document::Igd1},
      {kDevice + "WANConnectionDevice:2", kWanConnection, Document::Igd2},
      {kService + "Layer3Forwarding:1", kRoot, Document::Igd1},
      {kService + "WANCommonInterfaceConfig:1", kWanDevice, Document::Igd1},
      {kService + "WANIPConnection:1", kWanConnection, Document::Igd1},
      {kService + "WANIPConnection:2", kWanConnection, Document::Igd2},
      {kService + "WANPPPConnection:1", kWanConnection, Document::Igd1},
  };
  for (const Case& each : cases) {
    CAPTURE(each.target);
    const auto found = answers(each.target);
    REQUIRE(found.size() == 1);
    CHECK(found[0].search_target == each.target);
    CHECK(found[0].unique_service_name == each.udn + "::" + each.target);
    CHECK(found[0].document == each.document);
    CHECK(answers(each.target, true)[0].document == Document::Igd1);
  }
}

TEST_CASE("the IPv6 firewall is in IGD:2 alone, which Windows is not shown") {
  const auto found = answers(kService + "WANIPv6FirewallControl:1");
  REQUIRE(found.size() == 1);
  CHECK(found[0].unique_service_name ==
        kWanConnection + "::" + kService + "WANIPv6FirewallControl:1");
  CHECK(found[0].document == Document::Igd2);
  CHECK(answers(kService + "WANIPv6FirewallControl:1", true).empty());
  CHECK(answers(kService + "WANIPv6FirewallControl:2").empty());
}

TEST_CASE("a device is found by its UUID, in any case") {
  for (const std::string& udn : {kRoot, kWanDevice, kWanConnection}) {
    const auto found = answers(udn);
    REQUIRE(found.size() == 1);
    CHECK(found[0].unique_service_name == udn);
    CHECK(found[0].document == Document::Igd1);
  }
  const auto upper = answers("uuid:00000000-0000-4000-8000-00000000000C");
  REQUIRE(upper.size() == 1);
  CHECK(upper[0].search_target == "uuid:00000000-0000-4000-8000-00000000000C");
  CHECK(upper[0].unique_service_name == kWanConnection);
}

TEST_CASE("what is not ours, or newer than ours, is not answered") {
  for (const std::string& target :
       {kDevice + "InternetGatewayDevice:3", kService + "WANIPConnection:3",
        kService + "WANIPConnection:0", kService + "WANIPConnection:",
        kService + "WANIPConnection:1x", kService + "WANIPConnection:01",
        kService + "Layer3Forwarding:2", kService + "WANCommonInterfaceConfig:2",
        kService + "WANPPPConnection:2", kDevice + "MediaServer:1", std::string("uuid:"),
        std::string("uuid:00000000-0000-4000-8000-000000000000"), std::string("ssdp:al"),
        std::string("x")}) {
    CAPTURE(target);
    CHECK(answers(target).empty());
  }
}

TEST_CASE("ssdp:all gets 3+2d+k answers, all of the IGD:1 description") {
  const auto all = answers("ssdp:all");
  CHECK(all.size() == 3 + 2 * 2 + 3);
  CHECK(std::ranges::all_of(
      all, [](const SearchAnswer& each) { return each.document == Document::Igd1; }));
  CHECK(std::ranges::none_of(
      all, [](const SearchAnswer& each) { return each.search_target.ends_with(":2"); }));
  std::map<std::string, int> names;
  for (const SearchAnswer& each : all)
    ++names[each.unique_service_name];
  CHECK(names.size() == all.size());
  CHECK(names.contains(kRoot + "::upnp:rootdevice"));
  CHECK(names.contains(kWanConnection + "::" + kService + "WANIPConnection:1"));
}

TEST_CASE("a reply has what UDA 1.1 section 1.3.3 asks for") {
  const std::string text =
      reply_text(kIdentity, answers(kService + "WANIPConnection:2")[0], 784111777);
  CHECK(text.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(text.ends_with("\r\n\r\n"));
  for (const char* line :
       {"CACHE-CONTROL: max-age=1800\r\n", "DATE: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "EXT:\r\n",
        "LOCATION: http://192.168.77.1:5555/t/igd2.xml\r\n", "SERVER: Linux UPnP/1.1 upnpd/",
        "ST: urn:schemas-upnp-org:service:WANIPConnection:2\r\n",
        "USN: "
        "uuid:00000000-0000-4000-8000-00000000000c::urn:schemas-upnp-org:service:WANIPConnection:"
        "2\r\n"})
    CHECK(text.find(line) != std::string::npos);
  CHECK(text.find("BOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 8\r\n") != std::string::npos);
}

TEST_CASE("byebye names neither a location nor an age") {
  const auto all = all_notifications(kIdentity);
  REQUIRE(all.size() == 10);
  const std::string text = byebye_text(kIdentity, all[0], kGroup);
  CHECK(text ==
        "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nBOOTID.UPNP.ORG: 7\r\n"
        "CONFIGID.UPNP.ORG: 8\r\nNT: "
        "upnp:rootdevice\r\nNTS: "
        "ssdp:byebye\r\n"
        "USN: " +
            kRoot + "::upnp:rootdevice\r\n\r\n");
  const std::string alive = alive_text(kIdentity, all[0], kGroup);
  CHECK(alive.find("LOCATION: " + kIdentity.igd1_location + "\r\n") != std::string::npos);
  CHECK(alive.find("BOOTID.UPNP.ORG: 7\r\nCONFIGID.UPNP.ORG: 8\r\n") != std::string::npos);
}

TEST_SUITE_END();
