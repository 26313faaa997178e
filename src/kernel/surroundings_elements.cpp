#include "surroundings_elements.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

#include "nft_sets.h"

namespace upnpd::kernel {
namespace {

constexpr std::uint32_t kHighest = 0xffffffff;
constexpr std::uint16_t kSearchPort = 1900;  // UDA 1.1 section 1.1.2

std::vector<Element> elements_of(const std::set<Fields>& keys) {
  std::vector<Element> elements;
  for (const Fields& key : keys)
    elements.push_back(Element{.key = key});
  return elements;
}

// nf_tables' intervals: an element where one begins, and one behind its last address. An interval
// up to the highest address has no end.
std::vector<Element> interval_elements_of(const std::vector<AddressRange>& ranges) {
  std::vector<Element> elements;
  for (const auto& [first, last] : ranges) {
    elements.push_back(Element{.key = Fields().address(first)});
    if (last.host_order() == kHighest) continue;
    const auto end = Ipv4Address::from_host_order(last.host_order() + 1);
    elements.push_back(Element{.key = Fields().address(end), .is_interval_end = true});
  }
  return elements;
}

bool can_be_interface(const std::string& name) {
  return !name.empty() && name.size() < Fields::kInterfaceBytes;
}

bool are_interfaces_possible(const NatSurroundings& surroundings) {
  return std::ranges::all_of(surroundings.wan_interfaces, can_be_interface) &&
         std::ranges::all_of(surroundings.lans, can_be_interface, &LanAccess::interface);
}

}  // namespace

std::vector<AddressRange> merge(std::span<const Ipv4Network> networks) {
  std::vector<AddressRange> ranges;
  for (const Ipv4Network& network : networks)
    ranges.push_back({network.first(), network.last()});
  std::ranges::sort(ranges, {}, &AddressRange::first);
  std::vector<AddressRange> merged;
  for (const AddressRange& range : ranges) {
    const bool joins =
        !merged.empty() && (merged.back().last.host_order() == kHighest ||
                            range.first.host_order() <= merged.back().last.host_order() + 1);
    if (joins)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  return merged;
}

std::expected<std::vector<SetContent>, NatError> surroundings_elements_of(
    const NatSurroundings& surroundings) {
  if (!are_interfaces_possible(surroundings))
    return std::unexpected(
        NatError{EINVAL, "an interface's name is empty or longer than 15 bytes"});

  std::set<Fields> addresses, wan_interfaces, lan_ports, guarded_ports;
  std::vector<Ipv4Network> networks;
  for (const Ipv4Address address : surroundings.external_addresses)
    addresses.insert(Fields().address(address));
  for (const std::string& name : surroundings.wan_interfaces)
    wan_interfaces.insert(Fields().interface(name));
  for (const LanAccess& lan : surroundings.lans) {
    const auto open = [&](Protocol protocol, std::uint16_t port) {
      lan_ports.insert(Fields().interface(lan.interface).protocol(protocol).port(port));
      guarded_ports.insert(Fields().protocol(protocol).port(port));
    };
    networks.insert(networks.end(), lan.networks.begin(), lan.networks.end());
    for (const std::uint16_t port : lan.tcp_ports)
      open(Protocol::TCP, port);
    open(Protocol::UDP, kSearchPort);
  }
  return std::vector<SetContent>{{kExternalAddresses, elements_of(addresses)},
                                 {kLanNetworks, interval_elements_of(merge(networks))},
                                 {kWanInterfaces, elements_of(wan_interfaces)},
                                 {kLanPorts, elements_of(lan_ports)},
                                 {kGuardedPorts, elements_of(guarded_ports)}};
}

}  // namespace upnpd::kernel
