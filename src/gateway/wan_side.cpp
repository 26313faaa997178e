#include "wan_side.h"

#include <algorithm>
#include <cstdint>

namespace upnpd::gateway {

namespace {

WanSide find_wan(const Config& config, const kernel::RouterInterfaces& interfaces,
                 const std::string& name) {
  WanSide wan;
  wan.interface = name;
  const auto found = std::ranges::find(interfaces.interfaces, name, &kernel::RouterInterface::name);
  if (found == interfaces.interfaces.end() || !found->up) return wan;
  wan.link_up = found->running;
  for (const Ipv4Network& network : found->addresses)
    wan.addresses.push_back(network.address());
  if (!wan.addresses.empty())
    wan.external_address =
        config.external_address.value_or(found->masquerade_address.value_or(wan.addresses.front()));
  return wan;
}

}  // namespace

const WanSide& InternetSide::of(const Config& config, const std::string& lan) const {
  const auto own = config.lan_wans.find(lan);
  if (own != config.lan_wans.end())
    for (const WanSide& wan : wans)
      if (wan.interface == own->second) return wan;
  return wans[usual];
}

InternetSide find_internet(const Config& config, const kernel::RouterInterfaces& interfaces) {
  InternetSide internet;
  std::vector<std::string> names = config.wans;
  const auto& default_route = interfaces.default_route_interface;
  // An access point has its default route on its LAN: there is nothing to map.
  if (names.empty() && default_route && std::ranges::count(config.lans, *default_route) == 0)
    names.push_back(*default_route);
  for (const std::string& name : names)
    internet.wans.push_back(find_wan(config, interfaces, name));
  if (internet.wans.empty()) internet.wans.emplace_back();

  auto usual = std::ranges::find(internet.wans, default_route, &WanSide::interface);
  if (!default_route || usual == internet.wans.end())
    usual = std::ranges::find_if(
        internet.wans, [](const WanSide& wan) { return wan.external_address.has_value(); });
  if (usual != internet.wans.end())
    internet.usual = static_cast<std::size_t>(usual - internet.wans.begin());
  return internet;
}

std::string note_on(const WanSide& wan) {
  if (!wan.interface)
    return "no WAN: there is no default route out of the LANs; set ext_ifname to name the "
           "interface";
  if (!wan.external_address)
    return "no WAN address: mappings are kept and work once " + *wan.interface + " has one";
  const Ipv4Address address = *wan.external_address;
  if (address.is_carrier_grade())
    return "a carrier's shared address (RFC 6598): the provider's NAT stands before this router, "
           "ports opened here "
           "are reached only from the provider's own network";
  if (address.is_private())
    return "a private address (RFC 1918): another router stands before this one, ports opened here "
           "must be opened "
           "there too";
  if (address.is_documentation())
    return "a documentation address (RFC 5737): not reachable on the internet";
  if (address.is_link_local())
    return "a link-local address (RFC 3927): the WAN has not been given a real one";
  return "";
}

std::uint32_t bit_rate_variable(std::uint64_t bits_per_second) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bits_per_second, UINT32_MAX));
}

}  // namespace upnpd::gateway
