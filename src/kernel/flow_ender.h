// Ends the established flows of closed mappings, by conntrack: a firewall accepts what is
// established, so that taking a map's element away alone would leave them running.
#pragma once

#include <expected>
#include <span>

#include "nl_socket.h"
#include "upnpd/port_mapping.h"

namespace upnpd::kernel {

class FlowEnder {
 public:
  static std::expected<FlowEnder, NetlinkError> open();

  // Deletes every conntrack entry that came in through one of `closed`: destined to its external
  // port, answered by its client from its internal port, and from its RemoteHost if it has one.
  // Returns how many. Costs one dump of the IPv4 entries, whatever the number of mappings.
  std::expected<std::size_t, NetlinkError> end_flows(std::span<const PortMapping> closed);

 private:
  explicit FlowEnder(NlSocket socket) : socket_(std::move(socket)) {}
  NlSocket socket_;
};

}  // namespace upnpd::kernel
