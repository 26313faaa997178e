#include "ssdp_sites.h"

#include <algorithm>

namespace upnpd::announcer {
namespace {

const SsdpSite* first_of(std::span<const SsdpSite> sites, bool (*is_wanted)(const IpAddress&)) {
  const auto found = std::ranges::find_if(
      sites, [&](const SsdpSite& site) { return is_wanted(address_of(site.network)); });
  return found == sites.end() ? nullptr : &*found;
}

bool is_ipv4(const IpAddress& address) {
  return std::holds_alternative<Ipv4Address>(address);
}

bool is_link_local(const IpAddress& address) {
  const auto* const ipv6 = std::get_if<Ipv6Address>(&address);
  return ipv6 != nullptr && ipv6->is_link_local();
}

bool is_unique_local(const IpAddress& address) {
  const auto* const ipv6 = std::get_if<Ipv6Address>(&address);
  return ipv6 != nullptr && ipv6->is_unique_local();
}

bool is_routed(const IpAddress& address) {
  return !is_ipv4(address) && !is_link_local(address);
}

}  // namespace

std::vector<SsdpSite> sites_for(std::span<const IpNetwork> addresses, std::uint16_t http_port,
                                const SsdpDevice& device) {
  std::vector<SsdpSite> sites;
  for (const IpNetwork& network : addresses) {
    const auto url = [&](Document document) {
      return description_url(document, address_of(network), http_port, device.path_token);
    };
    sites.push_back({network,
                     {.uuid = device.uuid,
                      .igd1_location = url(Document::Igd1),
                      .igd2_location = url(Document::Igd2),
                      .max_age = device.max_age,
                      .boot_id = device.boot_id,
                      .config_id = device.config_id}});
  }
  return sites;
}

const SsdpSite* site_towards(const IpAddress& host, std::span<const SsdpSite> sites) {
  const auto* const ipv4 = std::get_if<Ipv4Address>(&host);
  const auto found = std::ranges::find_if(sites, [&](const SsdpSite& site) {
    return contains_host(site.network, host) ||
           (ipv4 != nullptr && any_contains_host(site.further_networks, *ipv4));
  });
  return found == sites.end() ? nullptr : &*found;
}

std::vector<SsdpGroup> groups_of(std::span<const SsdpSite> sites) {
  std::vector<SsdpGroup> groups;
  const auto add = [&](const char* group, const SsdpSite* site) {
    if (site != nullptr) groups.push_back({*parse_ip_address(group), site});
  };
  add("239.255.255.250", first_of(sites, is_ipv4));
  add("ff02::c", first_of(sites, is_link_local));
  const SsdpSite* const stable = first_of(sites, is_unique_local);
  add("ff05::c", stable != nullptr ? stable : first_of(sites, is_routed));
  return groups;
}

}  // namespace upnpd::announcer
