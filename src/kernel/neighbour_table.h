// The kernel's neighbour tables, of ARP and of IPv6 neighbour discovery: which hardware address
// answers for which address of a link.
#pragma once

#include <expected>
#include <vector>

#include "nl_socket.h"
#include "rtnl_messages.h"

namespace upnpd::kernel {

class NeighbourTable {
 public:
  static std::expected<NeighbourTable, NetlinkError> open();

  // Every neighbour whose hardware address is known now, of both families and all links.
  std::expected<std::vector<NeighbourMessage>, NetlinkError> snapshot();
  // Has the kernel look for `address` on a link. The answer shows in a later snapshot().
  std::expected<void, NetlinkError> solicit(int link_index, const IpAddress& address);

 private:
  explicit NeighbourTable(NlSocket socket) : socket_(std::move(socket)) {}
  std::expected<std::vector<NeighbourMessage>, NetlinkError> snapshot_once();
  NlSocket socket_;
};

}  // namespace upnpd::kernel
