// Whether the kernel knows the hardware address of a LAN host, and so can send to it at once.
#pragma once

#include "upnpd/address.h"

namespace upnpd::announcer {

// On the interface that `socket`, of IPv4, is bound to. False as well where the kernel cannot tell.
bool is_known_neighbour(int socket, Ipv4Address host);

// Whether something waits in the buffer of `socket`: for a card, or for a neighbour to be found.
bool has_unsent(int socket);

}  // namespace upnpd::announcer
