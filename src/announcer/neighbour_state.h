// What the kernel tells an unprivileged process of a LAN host: its hardware address, and so whether
// it can be sent to at once.
#pragma once

#include <optional>

#include "upnpd/address.h"

namespace upnpd::announcer {

// On the interface that `socket`, of IPv4, is bound to. No value where the kernel does not know it,
// or cannot tell; so it is of hosts behind another router.
std::optional<MacAddress> hardware_address(int socket, Ipv4Address host);

// Whether something waits in the buffer of `socket`: for a card, or for a neighbour to be found.
bool has_unsent(int socket);

}  // namespace upnpd::announcer
