// The texts of SSDP, from what a LAN's announcements have in common: replies to searches, and the
// notifications alive and byebye. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "upnpd/ip_address.h"

namespace upnpd::announcer {

// Which of the two descriptions a LOCATION leads to.
enum class Document { Igd1 = 1, Igd2 = 2 };

// What all messages of one LAN share.
struct SsdpIdentity {
  std::string uuid;           // of the root device, without "uuid:"
  std::string igd1_location;  // absolute URLs
  std::string igd2_location;
  std::chrono::seconds max_age{1800};
  std::uint32_t boot_id = 0;    // BOOTID.UPNP.ORG: another one after each time the device was away
  std::uint32_t config_id = 0;  // CONFIGID.UPNP.ORG: the descriptions'
};

// "http://ADDRESS:PORT/TOKEN/igdN.xml"
std::string description_url(Document document, const IpAddress& address, std::uint16_t http_port,
                            std::string_view path_token);

// One answer to a search (UDA 1.1 section 1.3.3).
struct SearchAnswer {
  std::string search_target;        // ST, as it was asked
  std::string unique_service_name;  // USN
  Document document;                // where LOCATION leads
};

// An NT and its USN (UDA 1.1 tables 1-1 to 1-3).
struct Notification {
  std::string notification_type;
  std::string unique_service_name;
};

// All 3+2d+k of them, as the IGD:1 description has them.
std::vector<Notification> all_notifications(const SsdpIdentity& identity);

// `date` is the DATE header's, in seconds since 1970.
std::string reply_text(const SsdpIdentity& identity, const SearchAnswer& answer, std::time_t date);
// NOTIFY with ssdp:alive to `group`, LOCATION the IGD:1 description (UDA 1.1 section 1.2.2).
std::string alive_text(const SsdpIdentity& identity, const Notification& notification,
                       const IpAddress& group);
// NOTIFY with ssdp:byebye to `group` (UDA 1.1 section 1.2.3).
std::string byebye_text(const SsdpIdentity& identity, const Notification& notification,
                        const IpAddress& group);

}  // namespace upnpd::announcer
