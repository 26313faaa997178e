#include "device_description.h"

#include <cstdlib>
#include <map>

#include "embedded_xml.h"
#include "upnpd/config_id.h"
#include "upnpd/device_tree.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

std::string event_url(int igd_version, std::string_view service_id, const IpAddress& own,
                      std::uint16_t event_port) {
  if (event_port == 0) return "";
  return "http://" + url_host(own) + ":" + std::to_string(event_port) +
         event_path(igd_version, service_id);
}

Values values_for(int igd_version, const DeviceIdentity& identity, const IpAddress& own,
                  std::uint16_t event_port) {
  Values values{
      {"config_id", std::to_string(config_id(description_hash(identity), event_port))},
      {"path_token", identity.path_token},
      {"friendly_name", identity.friendly_name},
      {"manufacturer", identity.manufacturer},
      {"manufacturer_url", identity.manufacturer_url},
      {"model_name", identity.model_name},
      {"model_description", identity.model_description},
      {"model_number", identity.model_number},
      {"model_url", identity.model_url},
      {"serial_number", identity.serial_number},
      {"presentation_url", identity.presentation_url},
      {"root_uuid", device_uuid(identity.uuid, DeviceLevel::Root)},
      {"wan_device_uuid", device_uuid(identity.uuid, DeviceLevel::WanDevice)},
      {"wan_connection_device_uuid", device_uuid(identity.uuid, DeviceLevel::WanConnectionDevice)},
  };
  for (const AnnouncedType& type : kAnnouncedTypes)
    if (!type.is_device)
      values.emplace("event_url_" + std::string(type.service_id),
                     event_url(igd_version, type.service_id, own, event_port));
  return values;
}

// One line of a template, or "" when it is to be left out.
std::string fill_line(std::string_view line, const Values& values) {
  std::string result;
  for (std::size_t open = line.find("{{"); open != std::string_view::npos; open = line.find("{{")) {
    const std::size_t close = line.find("}}", open);
    std::string_view name = line.substr(open + 2, close - open - 2);
    const bool is_optional = name.ends_with('?');
    if (is_optional) name.remove_suffix(1);
    const auto value = values.find(name);
    // Our own templates name only what is there.
    if (close == std::string_view::npos || value == values.end()) std::abort();
    if (is_optional && value->second.empty()) return "";
    result += line.substr(0, open);
    result += escape_xml(value->second);
    line.remove_prefix(close + 2);
  }
  result += line;
  return result + "\n";
}

}  // namespace

std::string fill_description(std::string_view device_template, int igd_version,
                             const DeviceIdentity& identity, const IpAddress& own,
                             std::uint16_t event_port) {
  const Values values = values_for(igd_version, identity, own, event_port);
  std::string document;
  while (!device_template.empty()) {
    const std::size_t end = device_template.find('\n');
    document += fill_line(device_template.substr(0, end), values);
    device_template.remove_prefix(end == std::string_view::npos ? device_template.size() : end + 1);
  }
  return document;
}

std::string device_description(int igd_version, const DeviceIdentity& identity,
                               const IpAddress& own, std::uint16_t event_port) {
  return fill_description(embedded_xml(igd_version == 1 ? "igd1.xml" : "igd2.xml"), igd_version,
                          identity, own, event_port);
}

}  // namespace upnpd::igd
