// The devices and services upnpd announces, and where their documents are found: what the igd
// service describes and the announcer announces must be the same. InternetGatewayDevice:1 and :2
// are two views of one device: same UDNs, each with a description of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace upnpd {

// Levels of the device tree (InternetGatewayDevice:2 section 2.3).
enum class DeviceLevel : std::uint8_t { Root = 0, WanDevice = 1, WanConnectionDevice = 2 };

// A device or service type: its URN without the version, the device it is or belongs to, and the
// version it has in each of the two descriptions (0 = not in that one).
struct AnnouncedType {
  std::string_view urn;  // ends in ':'
  DeviceLevel level;
  bool is_device;
  std::string_view service_id;  // the part after "urn:upnp-org:serviceId:"; "" for a device
  std::uint8_t version_in_igd1;
  std::uint8_t version_in_igd2;
};

inline constexpr std::array<AnnouncedType, 7> kAnnouncedTypes{{
    {"urn:schemas-upnp-org:device:InternetGatewayDevice:", DeviceLevel::Root, true, "", 1, 2},
    {"urn:schemas-upnp-org:device:WANDevice:", DeviceLevel::WanDevice, true, "", 1, 2},
    {"urn:schemas-upnp-org:device:WANConnectionDevice:", DeviceLevel::WanConnectionDevice, true, "",
     1, 2},
    {"urn:schemas-upnp-org:service:Layer3Forwarding:", DeviceLevel::Root, false, "L3Forwarding1", 1,
     1},
    {"urn:schemas-upnp-org:service:WANCommonInterfaceConfig:", DeviceLevel::WanDevice, false,
     "WANCommonIFC1", 1, 1},
    {"urn:schemas-upnp-org:service:WANIPConnection:", DeviceLevel::WanConnectionDevice, false,
     "WANIPConn1", 1, 2},
    {"urn:schemas-upnp-org:service:WANIPv6FirewallControl:", DeviceLevel::WanConnectionDevice,
     false, "WANIPv6Firewall1", 0, 1},
}};

// The UUID of a device: the root's is `root_uuid` itself, the others differ from it in the last
// hexadecimal digits, so that all three are stable together.
std::string device_uuid(std::string_view root_uuid, DeviceLevel level);

// Paths on the igd service's HTTP port: "/TOKEN/igd1.xml", "/TOKEN/igd2.xml".
std::string igd1_description_path(std::string_view path_token);
std::string igd2_description_path(std::string_view path_token);

// Paths on the announcer's event port, one a service and description: "/event/igd1/WANIPConn1".
std::string event_path(int igd_version, std::string_view service_id);

// The SERVER header of every answer (UDA 1.1 section 1.3.3).
std::string server_header();

}  // namespace upnpd
