// A host of a LAN by its hardware address, which says nothing of the hosts of another LAN: there
// anybody may have taken it.
#pragma once

#include <compare>

#include "upnpd/port_mapping.h"

namespace upnpd::core {

struct LanHost {
  LanIndex lan;
  MacAddress mac;
  friend auto operator<=>(const LanHost&, const LanHost&) = default;
};

// Who asked for a mapping or a pinhole, as it remembers; mac is zero where that was not known.
template <class Entry>
LanHost host_of(const Entry& entry) {
  return {entry.lan, entry.host};
}

}  // namespace upnpd::core
