#include "default_connection.h"

#include <algorithm>
#include <string>

#include "upnpd/device_tree.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

constexpr std::string_view kServiceIds = "urn:upnp-org:serviceId:";

// Of either description: both are views of the one device.
bool is_wan_connection_device(std::string_view text, std::string_view root_uuid) {
  const std::string device =
      "uuid:" + device_uuid(root_uuid, DeviceLevel::WanConnectionDevice) + ":WANConnectionDevice:";
  return equal_in_any_case(text, device + "1") || equal_in_any_case(text, device + "2");
}

}  // namespace

std::optional<UpnpError> judge_default_connection(std::string_view chosen,
                                                  std::string_view root_uuid) {
  const std::size_t comma = chosen.find(',');
  if (!is_wan_connection_device(trimmed(chosen.substr(0, comma)), root_uuid))
    return UpnpError::InvalidDeviceUUID;
  std::string_view id = comma == std::string_view::npos ? "" : trimmed(chosen.substr(comma + 1));
  if (!id.starts_with(kServiceIds)) return UpnpError::InvalidServiceID;
  id.remove_prefix(kServiceIds.size());
  const bool is_ours = std::ranges::any_of(kAnnouncedTypes, [id](const AnnouncedType& type) {
    return type.level == DeviceLevel::WanConnectionDevice && !type.is_device &&
           type.service_id == id;
  });
  if (!is_ours) return UpnpError::InvalidServiceID;
  if (id != "WANIPConn1") return UpnpError::InvalidConnServiceSelection;
  return std::nullopt;
}

}  // namespace upnpd::igd
