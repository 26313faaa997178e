// Mappings and outward mappings as elements of the kernel's sets, and mappings back. Pure. What
// comes back is built by each value's parse(); an element that makes no valid value is no value.
#pragma once

#include <optional>

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

}  // namespace upnpd::kernel
