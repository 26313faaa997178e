// Who is who on a LAN: the hardware address behind each IP address, as the kernel's neighbour table
// has it. A host asks by IPv4 or by any of its IPv6 addresses, temporary ones included; the
// hardware address is what they share.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "upnpd/ip_address.h"
#include "upnpd/port_mapping.h"

namespace upnpd::core {

class Neighbours {
 public:
  void add(LanIndex lan, Ipv4Address address, const MacAddress& mac) {
    if (mac != MacAddress{}) ipv4_.insert_or_assign({lan, address}, mac);
  }
  void add(LanIndex lan, const Ipv6Address& address, const MacAddress& mac) {
    if (mac != MacAddress{}) ipv6_.insert_or_assign({lan, address}, mac);
  }
  // No value when nobody on that LAN is known by this address.
  std::optional<MacAddress> find(LanIndex lan, Ipv4Address address) const {
    return find_in(ipv4_, lan, address);
  }
  std::optional<MacAddress> find(LanIndex lan, const Ipv6Address& address) const {
    return find_in(ipv6_, lan, address);
  }
  std::optional<MacAddress> find(LanIndex lan, const IpAddress& address) const {
    return std::visit([&](const auto& each) { return find(lan, each); }, address);
  }
  // Every IPv4 address by which the host with this hardware address is known, in their order.
  std::vector<Ipv4Address> ipv4_addresses_of(LanIndex lan, const MacAddress& mac) const {
    std::vector<Ipv4Address> addresses;
    for (const auto& [where, known] : ipv4_)
      if (where.first == lan && known == mac) addresses.push_back(where.second);
    return addresses;
  }

 private:
  template <class Address>
  using Hosts = std::map<std::pair<LanIndex, Address>, MacAddress>;
  template <class Address>
  static std::optional<MacAddress> find_in(const Hosts<Address>& hosts, LanIndex lan,
                                           const Address& address) {
    const auto found = hosts.find({lan, address});
    if (found == hosts.end()) return std::nullopt;
    return found->second;
  }
  Hosts<Ipv4Address> ipv4_;
  Hosts<Ipv6Address> ipv6_;
};

}  // namespace upnpd::core
