// Ends the established flows of closed mappings, by conntrack: a firewall accepts what is
// established, so that taking a map's element away alone would leave them running.
#pragma once

#include <expected>
#include <span>

#include "nl_socket.h"
#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd::kernel {

class FlowEnder {
 public:
  static std::expected<FlowEnder, NetlinkError> open();

  // Deletes every conntrack entry that came in through one of `closed`: destined to its external
  // port, answered by its client from its internal port, and from its RemoteHost if it has one;
  // and, of UDP, what the client of one for any RemoteHost began from there and sent by the
  // external port. Returns how many. Costs one dump of the IPv4 entries, whatever the number of
  // mappings.
  std::expected<std::size_t, NetlinkError> end_flows(std::span<const PortMapping> closed);

  // Deletes every conntrack entry that came in through one of these pinholes. One that the client
  // goes on sending to begins again, as any that it begins itself.
  std::expected<std::size_t, NetlinkError> end_flows(std::span<const Pinhole> closed);

 private:
  template <class ClosedEnds>
  std::expected<std::size_t, NetlinkError> end_flows_of(const ClosedEnds& closed,
                                                        unsigned char family);
  explicit FlowEnder(NlSocket socket) : socket_(std::move(socket)) {}
  NlSocket socket_;
};

}  // namespace upnpd::kernel
