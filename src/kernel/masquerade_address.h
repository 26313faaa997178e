// Which of a link's addresses the kernel's masquerade takes, as inet_select_addr() in
// net/ipv4/devinet.c has it. Pure.
#pragma once

#include <optional>
#include <span>

#include "rtnl_messages.h"

namespace upnpd::kernel {

// Of the link's primary addresses of global scope, in the kernel's order, the first that has
// `gateway` in its network, or else the first. Without a gateway the kernel looks for the packet's
// destination instead, which is taken to be in none of these networks. None: the link has no such
// address.
std::optional<Ipv4Address> masquerade_address(std::span<const AddressMessage> addresses, int link,
                                              const std::optional<Ipv4Address>& gateway);

}  // namespace upnpd::kernel
