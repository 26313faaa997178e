// The names of what `table inet upnpd` is made of.
#pragma once

#include <expected>

#include "nl_socket.h"

namespace upnpd::kernel {

// Whether the table has a chain, a set, a map, an object or a flowtable that is not ours. No where
// there is no table. `socket` is one to NETLINK_NETFILTER.
std::expected<bool, NetlinkError> has_strange_parts(NlSocket& socket);

}  // namespace upnpd::kernel
