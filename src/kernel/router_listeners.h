// The router's own programs that the WAN could reach: sockets that listen (TCP) or are bound and
// not connected (UDP), by sock_diag(7). A socket bound to another interface than the WAN, or to an
// address that is not the WAN's, is none of them.
#pragma once

#include <expected>
#include <vector>

#include "nl_socket.h"
#include "upnpd/port_mapping.h"

namespace upnpd::kernel {

// What the WAN side is known by.
struct WanNames {
  std::vector<std::string> interfaces;
  std::vector<int> interface_indexes;
  std::vector<Ipv4Address> addresses;
};

struct RouterListener {
  Protocol protocol;
  std::uint16_t port;
  friend auto operator<=>(const RouterListener&, const RouterListener&) = default;
};

// `socket` is one to NETLINK_SOCK_DIAG. ENOENT: the kernel has no sock_diag for a protocol.
std::expected<std::vector<RouterListener>, NetlinkError> dump_router_listeners(NlSocket& socket,
                                                                               const WanNames& wan);

}  // namespace upnpd::kernel
