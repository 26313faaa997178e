// Mappings and outward mappings as elements of the kernel's sets, and back. Pure. What comes back
// is built by each value's parse(); an element that makes no valid value is no value.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "nft_element.h"

namespace upnpd::kernel {

// kMappings or kRemoteMappings.
const char* map_of(const PortMappingKey& key);

// `mapping` as it stands in map_of(mapping.key), to live until it expires, one millisecond at
// least.
Element element_of(const PortMapping& mapping, BootTime now);

// The key of an element of kMappings.
std::optional<PortMappingKey> mapping_key_of(const Element& element);
// The key of an element of kRemoteMappings.
std::optional<PortMappingKey> remote_mapping_key_of(const Element& element);

// The mapping that `element`, with this key, stands for. One that upnpd has not put in has id 0 and
// its client as owner.
std::optional<PortMapping> mapping_of(const PortMappingKey& key, const Element& element,
                                      BootTime now);

// The two elements of an outward mapping: in kSourcePorts and in kMappedClients.
Element source_port_element_of(const OutwardMapping& outward, BootTime now);
Element mapped_client_element_of(const OutwardMapping& outward, BootTime now);

// Whether `element` of `set`, kSourcePorts or kMappedClients, is such a one.
bool is_of_outward_mapping(std::string_view set, const Element& element);

// The outward mappings of which `source_ports` and `mapped_clients` are the elements. Where one of
// the two has expired before the other, its time is `now`.
std::vector<OutwardMapping> outward_mappings_of(std::span<const Element> source_ports,
                                                std::span<const Element> mapped_clients,
                                                BootTime now);

}  // namespace upnpd::kernel
