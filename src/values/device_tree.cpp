#include "upnpd/device_tree.h"

#include "upnpd/version.h"

namespace upnpd {

std::string device_uuid(std::string_view root_uuid, DeviceLevel level) {
  std::string uuid(root_uuid);
  if (level == DeviceLevel::Root || uuid.empty()) return uuid;
  constexpr std::string_view kDigits = "0123456789abcdef";
  char& last = uuid.back();
  const std::size_t digit =
      kDigits.find(last >= 'A' && last <= 'F' ? char(last - 'A' + 'a') : last);
  last = kDigits[((digit == std::string_view::npos ? 0 : digit) + std::size_t(level)) %
                 kDigits.size()];
  return uuid;
}

std::string igd1_description_path(std::string_view path_token) {
  return "/" + std::string(path_token) + "/igd1.xml";
}

std::string igd2_description_path(std::string_view path_token) {
  return "/" + std::string(path_token) + "/igd2.xml";
}

std::string event_path(int igd_version, std::string_view service_id) {
  return "/event/igd" + std::to_string(igd_version) + "/" + std::string(service_id);
}

std::string server_header() {
  return "Linux UPnP/1.1 upnpd/" + std::string(kVersion);
}

}  // namespace upnpd
