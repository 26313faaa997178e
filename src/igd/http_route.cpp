#include "http_route.h"

#include <array>

#include "upnpd/device_tree.h"

namespace upnpd::igd {
namespace {

constexpr std::array<std::string_view, 7> kDocuments{"igd1.xml",
                                                     "igd2.xml",
                                                     "Layer3Forwarding1.xml",
                                                     "WANCommonInterfaceConfig1.xml",
                                                     "WANIPConnection1.xml",
                                                     "WANIPConnection2.xml",
                                                     "WANIPv6FirewallControl1.xml"};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<Route> find_control_route(std::string_view rest) {
  const int igd_version = take_prefix(rest, "igd1/") ? 1 : take_prefix(rest, "igd2/") ? 2 : 0;
  if (igd_version == 0) return std::nullopt;
  for (const AnnouncedType& type : kAnnouncedTypes)
    if (!type.is_device && type.service_id == rest &&
        (igd_version == 2 || type.version_in_igd1 != 0))
      return ControlRoute{igd_version, type.service_id};
  return std::nullopt;
}

}  // namespace

std::optional<Route> find_route(std::string_view path, std::string_view path_token) {
  if (path_token.empty()) return std::nullopt;
  if (!take_prefix(path, "/") || !take_prefix(path, path_token) || !take_prefix(path, "/"))
    return std::nullopt;
  if (take_prefix(path, "control/")) return find_control_route(path);
  for (const std::string_view file_name : kDocuments)
    if (path == file_name) return DocumentRoute{file_name};
  return std::nullopt;
}

}  // namespace upnpd::igd
