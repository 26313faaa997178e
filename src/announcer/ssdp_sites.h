// Where the router is found on a LAN: an own address for each network, with the URLs that hosts of
// that network are told, and the multicast groups the device is announced to. Pure.
#pragma once

#include <span>
#include <vector>

#include "ssdp_messages.h"
#include "upnpd/ip_address.h"

namespace upnpd::announcer {

struct SsdpSite {
  IpNetwork network;  // its address is the router's own
  SsdpIdentity identity;
  std::vector<Ipv4Network> further_networks = {};  // whose hosts come here too, by a router
};

// What is the same by every address.
struct SsdpDevice {
  std::string uuid;
  std::string path_token;
  std::chrono::seconds max_age;
  std::uint32_t boot_id = 0;
  std::uint32_t config_id = 0;
};

// A site for each address.
std::vector<SsdpSite> sites_for(std::span<const IpNetwork> addresses, std::uint16_t http_port,
                                const SsdpDevice& device);

// The site that `host` comes to, by the network it is in; nullptr for a host from elsewhere. A host
// that searches by a link-local address alone is told a link-local one, without a zone: its own
// name for the link is its own affair (UDA 1.1 annex A, RFC 6874).
const SsdpSite* site_towards(const IpAddress& host, std::span<const SsdpSite> sites);

// A multicast group, and the site announced to it.
struct SsdpGroup {
  IpAddress address;
  const SsdpSite* site;
};

// 239.255.255.250 with the IPv4 site; FF02::C with the link-local one, and FF05::C with one that
// every host of the LAN can route to: a ULA, which outlives the provider's prefixes, if there is
// one.
std::vector<SsdpGroup> groups_of(std::span<const SsdpSite> sites);

}  // namespace upnpd::announcer
