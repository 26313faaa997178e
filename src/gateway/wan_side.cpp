#include "wan_side.h"

#include <algorithm>
#include <cstdint>

namespace upnpd::gateway {

WanSide find_wan(const Config& config, const kernel::RouterInterfaces& interfaces) {
  WanSide wan;
  wan.interface = config.wan ? config.wan : interfaces.default_route_interface;
  // An access point has its default route on its LAN: there is nothing to map.
  if (wan.interface && std::ranges::count(config.lans, *wan.interface) != 0) wan.interface.reset();
  if (!wan.interface) return wan;
  const auto found =
      std::ranges::find(interfaces.interfaces, *wan.interface, &kernel::RouterInterface::name);
  if (found == interfaces.interfaces.end() || !found->up) return wan;
  wan.link_up = found->running;
  for (const Ipv4Network& network : found->addresses)
    wan.addresses.push_back(network.address());
  if (!wan.addresses.empty())
    wan.external_address = config.external_address.value_or(wan.addresses.front());
  return wan;
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
