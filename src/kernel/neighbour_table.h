// The kernel's neighbour tables, of ARP and of IPv6 neighbour discovery: which hardware address
// answers for which address of a link.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "nl_socket.h"
#include "rtnl_messages.h"

namespace upnpd::kernel {

class NeighbourTable {
 public:
  static std::expected<NeighbourTable, NetlinkError> open();

  // Every neighbour whose hardware address is known now, of both families and all links.
  std::expected<std::vector<NeighbourMessage>, NetlinkError> snapshot();
  // The neighbour by this address on a link, if its hardware address is known now.
  std::expected<std::optional<NeighbourMessage>, NetlinkError> find(int link_index,
                                                                    Ipv4Address address);
  // Has the kernel forget who answers for `address`, if it knows, and ask everyone on the link. Who
  // answers is `confirmed` in a later snapshot() or find().
  std::expected<void, NetlinkError> ask(int link_index, const IpAddress& address);

 private:
  explicit NeighbourTable(NlSocket socket) : socket_(std::move(socket)) {}
  std::expected<std::vector<NeighbourMessage>, NetlinkError> snapshot_once();
  NlSocket socket_;
};

}  // namespace upnpd::kernel
