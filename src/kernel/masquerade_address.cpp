#include "masquerade_address.h"

namespace upnpd::kernel {

std::optional<Ipv4Address> masquerade_address(std::span<const AddressMessage> addresses, int link,
                                              const std::optional<Ipv4Address>& gateway) {
  std::optional<Ipv4Address> first;
  for (const AddressMessage& each : addresses) {
    if (each.index != link || each.secondary || !each.global) continue;
    if (gateway && each.reached.contains(*gateway)) return each.address.address();
    if (!first) first = each.address.address();
  }
  return first;
}

}  // namespace upnpd::kernel
