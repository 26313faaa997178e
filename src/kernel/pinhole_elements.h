// Pinholes as elements of the kernel's sets, and back. Pure. Which of the four sets a pinhole is in
// tells its wildcards; each is a hash of whole keys, so that a packet costs the same whatever they
// hold: nf_tables' concatenations with intervals would say it in one set, but are searched field by
// field and copied whole at each change.
#pragma once

#include <array>
#include <optional>

#include "nft_element.h"
#include "nft_sets.h"

namespace upnpd::kernel {

inline constexpr std::array<const char*, 4> kPinholeSets{kPinholes, kPortPinholes, kHostPinholes,
                                                         kHostPortPinholes};

// One of kPinholeSets.
const char* set_of(const PinholeKey& key);

// The key of the element in set_of(key).
Fields fields_of(const PinholeKey& key);

// `pinhole` as it stands in set_of(pinhole.key), to live until it expires, one millisecond at
// least.
Element element_of(const Pinhole& pinhole, BootTime now);

// The pinhole for which `element` of `set`, one of kPinholeSets, stands. No value when it makes
// none, or when upnpd has not put it in.
std::optional<Pinhole> pinhole_of(const char* set, const Element& element, BootTime now);

}  // namespace upnpd::kernel
