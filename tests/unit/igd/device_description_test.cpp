#include "device_description.h"

#include <doctest/doctest.h>

#include <pugixml.hpp>
#include <set>

#include "embedded_xml.h"
#include "http_route.h"
#include "upnpd/config_id.h"
#include "upnpd/device_tree.h"

using namespace upnpd;
using namespace upnpd::igd;

namespace {

DeviceIdentity an_identity() {
  return {.uuid = "6e9b0d1e-0000-4000-8000-000000000000",
          .path_token = "t0ken",
          .friendly_name = "Tom & Jerry's <router>",
          .manufacturer = "upnpd",
          .manufacturer_url = "http://m.example/?a&b",
          .model_name = "M",
          .model_description = "",
          .model_number = "1",
          .model_url = "",
          .serial_number = "\"7\"",
          .presentation_url = "http://192.168.77.1/"};
}

const IpAddress kOwn = *parse_ip_address("192.168.77.1");
constexpr std::uint16_t kEventPort = 49152;

pugi::xml_document parsed(const std::string& text) {
  pugi::xml_document document;
  REQUIRE(document.load_buffer(text.data(), text.size()));
  return document;
}

// Every element called `name`, by its text.
std::multiset<std::string> all(const pugi::xml_document& document, const char* name) {
  std::multiset<std::string> result;
  for (const auto& found : document.select_nodes((std::string("//") + name).c_str()))
    result.insert(found.node().child_value());
  return result;
}

}  // namespace

TEST_SUITE("device_description") {
  TEST_CASE("over IPv6 event URLs have our literal between brackets") {
    const auto document = parsed(
        device_description(2, an_identity(), *parse_ip_address("2001:db8:77::1"), kEventPort));
    for (const std::string& url : all(document, "eventSubURL"))
      CHECK(url.starts_with("http://[2001:db8:77::1]:49152/"));
  }

  TEST_CASE("every placeholder is filled and every text is escaped") {
    for (const int version : {1, 2}) {
      const std::string text = device_description(version, an_identity(), kOwn, kEventPort);
      CHECK(text.find("{{") == std::string::npos);
      CHECK(text.find("}}") == std::string::npos);
      const auto document = parsed(text);
      const auto device = document.child("root").child("device");
      CHECK(std::string(device.child_value("friendlyName")) == "Tom & Jerry's <router>");
      CHECK(std::string(device.child_value("manufacturerURL")) == "http://m.example/?a&b");
      CHECK(std::string(device.child_value("serialNumber")) == "\"7\"");
      CHECK(std::string(device.child_value("presentationURL")) == "http://192.168.77.1/");
      CHECK_FALSE(device.child("modelDescription"));
      CHECK_FALSE(device.child("modelURL"));
      CHECK_FALSE(document.child("root").child("URLBase"));
      CHECK(std::string(document.child("root").child("specVersion").child_value("minor")) == "0");
    }
  }

  TEST_CASE("both have the configId that the announcer computes") {
    const std::uint32_t id = config_id(description_hash(an_identity()), kEventPort);
    for (const int version : {1, 2}) {
      const auto document = parsed(device_description(version, an_identity(), kOwn, kEventPort));
      CHECK(document.child("root").attribute("configId").as_uint(UINT32_MAX) == id);
    }
  }

  TEST_CASE("without a presentation URL there is no element for it") {
    DeviceIdentity identity = an_identity();
    identity.presentation_url.clear();
    CHECK(device_description(1, identity, kOwn, kEventPort).find("presentationURL") ==
          std::string::npos);
  }

  TEST_CASE(
      "both descriptions hold exactly the announced types, and three devices with their own UDNs") {
    for (const int version : {1, 2}) {
      std::multiset<std::string> devices;
      std::multiset<std::string> services;
      std::multiset<std::string> event_urls;
      for (const AnnouncedType& type : kAnnouncedTypes) {
        const int type_version = version == 1 ? type.version_in_igd1 : type.version_in_igd2;
        if (type_version == 0) continue;
        (type.is_device ? devices : services)
            .insert(std::string(type.urn) + std::to_string(type_version));
        if (!type.is_device)
          event_urls.insert("http://192.168.77.1:49152" + event_path(version, type.service_id));
      }
      const auto document = parsed(device_description(version, an_identity(), kOwn, kEventPort));
      CHECK(all(document, "deviceType") == devices);
      CHECK(all(document, "serviceType") == services);
      CHECK(all(document, "eventSubURL") == event_urls);
      CHECK(all(document, "UDN") ==
            std::multiset<std::string>{
                "uuid:" + device_uuid(an_identity().uuid, DeviceLevel::Root),
                "uuid:" + device_uuid(an_identity().uuid, DeviceLevel::WanDevice),
                "uuid:" + device_uuid(an_identity().uuid, DeviceLevel::WanConnectionDevice)});
    }
  }

  TEST_CASE("every URL it names is a path that is served") {
    for (const int version : {1, 2}) {
      const auto document = parsed(device_description(version, an_identity(), kOwn, kEventPort));
      CHECK(all(document, "SCPDURL").size() == (version == 1 ? 3 : 4));
      for (const auto& path : all(document, "SCPDURL")) {
        const auto route = find_route(path, "t0ken");
        REQUIRE(route);
        CHECK_FALSE(embedded_xml(std::get<DocumentRoute>(*route).file_name).empty());
      }
      for (const auto& path : all(document, "controlURL")) {
        const auto route = find_route(path, "t0ken");
        REQUIRE(route);
        CHECK(std::get<ControlRoute>(*route).igd_version == version);
      }
    }
    CHECK(find_route(igd1_description_path("t0ken"), "t0ken"));
    CHECK(find_route(igd2_description_path("t0ken"), "t0ken"));
  }

  TEST_CASE("while there is no announcer the event URLs are empty elements") {
    const auto document = parsed(device_description(1, an_identity(), kOwn, 0));
    CHECK(all(document, "eventSubURL") == std::multiset<std::string>{"", "", ""});
  }

  TEST_CASE("the embedded files are those of xml/") {
    CHECK(embedded_xml("igd1.xml").starts_with("<?xml version=\"1.0\""));
    CHECK(embedded_xml("igd1.xml").ends_with("</root>\n"));
    CHECK(embedded_xml("nothing.xml").empty());
  }
}
