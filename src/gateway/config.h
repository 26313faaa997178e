// The configuration: miniupnpd.conf as people have it, and a few keys of our own. Reading never
// stops at a fault: each is named with file and line, so that --check shows them all at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy.h"
#include "upnpd/address.h"
#include "upnpd/paths.h"

namespace upnpd::gateway {

struct Config {
  std::vector<std::string> wans;    // ext_ifname; none: the default route's interface
  std::optional<std::string> wan6;  // ext_ifname6: where IPv6 comes in, when it is another
  std::optional<Ipv4Address>
      external_address;           // ext_ip: what clients are told, whatever the WAN has
  std::vector<std::string> lans;  // listening_ip: an interface's name, or an address it has
  std::map<std::string, std::string> lan_wans;           // lan_wan: by LAN, the WAN it goes by
  std::multimap<std::string, Ipv4Network> lan_prefixes;  // lan_prefix: by LAN, what it leads to
  bool enable_upnp = true;
  bool ipv6 = true;                                // ipv6_disable: discovery and control over IPv6
  std::uint16_t http_port = 0;                     // 0: any free one
  std::uint32_t bitrate_up = 0, bitrate_down = 0;  // bits a second; 0: unknown
  std::uint32_t notify_interval = 900;             // seconds
  bool table_owner = true;  // other programs are kept from changing table inet upnpd
  // Seconds until the permanent mappings of a host that is not there go; 0: they stay.
  std::uint32_t absent_host_timeout = 86400;
  bool end_flows = true;      // a mapping that goes takes its established flows along
  bool system_uptime = true;  // NewUptime counts from the router's start, not from the WAN's

  std::optional<std::string> uuid;
  std::string friendly_name = "Router (upnpd)";
  std::string manufacturer = "upnpd";
  std::string manufacturer_url, model_url, presentation_url;
  std::string model_name = "upnpd";
  std::string model_description = "UPnP Internet Gateway Device";
  std::string model_number = "1";
  std::string serial = "00000000";

  std::filesystem::path lease_file = kDefaultLeaseFile;
  std::filesystem::path import_lease_file, import_lease_file6;  // miniupnpd's; "" = none
  std::filesystem::path admin_socket = kDefaultAdminSocket;
  std::string run_as;  // "": upnpd if there is such a user, else nobody
  core::Policy policy;
};

// A fault or a remark, with the place: "upnpd.conf:12: http_port: ...".
struct ConfigProblem {
  enum class Severity { Error, Warning } severity;
  std::string where;
  std::string message;
};
std::string to_string(const ConfigProblem& problem);

struct ConfigReading {
  Config config;  // every key that could be read; the defaults elsewhere
  std::vector<ConfigProblem> problems;
  bool has_errors() const;
};

// A line of the log for each problem, at its severity.
void log_problems(const ConfigReading& reading);

// Reads `text`; `name` stands in the places of the problems.
ConfigReading read_config(std::string_view text, const std::string& name);

// Reads a file. One that cannot be read is an error without a line.
ConfigReading read_config_file(const std::filesystem::path& file);

}  // namespace upnpd::gateway
