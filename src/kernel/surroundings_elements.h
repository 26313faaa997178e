// The router's surroundings as the elements of the sets that hold them. Pure.
#pragma once

#include <expected>
#include <span>
#include <vector>

#include "nft_element.h"

namespace upnpd::kernel {

struct SetContent {
  const char* set;
  std::vector<Element> elements;
};

// The content of kExternalAddresses, kLanNetworks, kWanInterfaces, kLanPorts and kGuardedPorts.
// EINVAL for an interface name that no interface can have.
std::expected<std::vector<SetContent>, NatError> surroundings_elements_of(
    const NatSurroundings& surroundings);

// From the first to the last address, both inside.
struct AddressRange {
  Ipv4Address first;
  Ipv4Address last;
  friend bool operator==(const AddressRange&, const AddressRange&) = default;
};
// The addresses of `networks` as ranges in order that neither overlap nor touch: the kernel refuses
// intervals that overlap.
std::vector<AddressRange> merge(std::span<const Ipv4Network> networks);

}  // namespace upnpd::kernel
