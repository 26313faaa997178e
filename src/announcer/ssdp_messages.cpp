#include "ssdp_messages.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "upnpd/device_tree.h"

namespace upnpd::announcer {
namespace {

// RFC 9110 section 5.6.7; not strftime, whose names follow the locale.
std::string http_date(std::time_t date) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  if (::gmtime_r(&date, &utc) == nullptr) return {};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                utc.tm_min, utc.tm_sec);
  return text.data();
}

std::string cache_control(const SsdpIdentity& identity) {
  return "CACHE-CONTROL: max-age=" + std::to_string(identity.max_age.count()) + "\r\n";
}

// UDA 1.1 section 1.2.2; a control point of UDA 1.0 passes them over.
std::string boot_and_config_id(const SsdpIdentity& identity) {
  return "BOOTID.UPNP.ORG: " + std::to_string(identity.boot_id) +
         "\r\nCONFIGID.UPNP.ORG: " + std::to_string(identity.config_id) + "\r\n";
}

std::string notify_text(const Notification& notification, const IpAddress& group,
                        std::string_view subtype, std::string_view more) {
  std::string text = "NOTIFY * HTTP/1.1\r\nHOST: " + url_host(group) + ":1900\r\n";
  text += more;
  text += "NT: " + notification.notification_type + "\r\nNTS: ";
  text += subtype;
  text += "\r\nUSN: " + notification.unique_service_name + "\r\n\r\n";
  return text;
}

}  // namespace

std::string description_url(Document document, const IpAddress& address, std::uint16_t http_port,
                            std::string_view path_token) {
  return "http://" + url_host(address) + ":" + std::to_string(http_port) +
         (document == Document::Igd1 ? igd1_description_path(path_token)
                                     : igd2_description_path(path_token));
}

std::vector<Notification> all_notifications(const SsdpIdentity& identity) {
  const auto usn = [&](DeviceLevel level) { return "uuid:" + device_uuid(identity.uuid, level); };
  std::vector<Notification> all;
  const std::string root = usn(DeviceLevel::Root);
  all.push_back({"upnp:rootdevice", root + "::upnp:rootdevice"});
  for (const AnnouncedType& type : kAnnouncedTypes) {
    if (type.version_in_igd1 == 0) continue;
    const std::string device = usn(type.level);
    if (type.is_device) all.push_back({device, device});
    const std::string urn = std::string(type.urn) + std::to_string(type.version_in_igd1);
    all.push_back({urn, device + "::" + urn});
  }
  return all;
}

std::string reply_text(const SsdpIdentity& identity, const SearchAnswer& answer, std::time_t date) {
  const std::string& location =
      answer.document == Document::Igd1 ? identity.igd1_location : identity.igd2_location;
  return "HTTP/1.1 200 OK\r\n" + cache_control(identity) + "DATE: " + http_date(date) +
         "\r\nEXT:\r\nLOCATION: " + location + "\r\nSERVER: " + server_header() + "\r\n" +
         boot_and_config_id(identity) + "ST: " + answer.search_target +
         "\r\nUSN: " + answer.unique_service_name + "\r\n\r\n";
}

std::string alive_text(const SsdpIdentity& identity, const Notification& notification,
                       const IpAddress& group) {
  return notify_text(notification, group, "ssdp:alive",
                     cache_control(identity) + "LOCATION: " + identity.igd1_location +
                         "\r\nSERVER: " + server_header() + "\r\n" + boot_and_config_id(identity));
}

std::string byebye_text(const SsdpIdentity& identity, const Notification& notification,
                        const IpAddress& group) {
  return notify_text(notification, group, "ssdp:byebye", boot_and_config_id(identity));
}

}  // namespace upnpd::announcer
