// Ends the established flows of closed mappings, by conntrack: a firewall accepts what is
// established, so that taking a map's element away alone would leave them running.
#pragma once

#include <expected>
#include <functional>
#include <span>

#include "nl_socket.h"
#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

struct nf_conntrack;

namespace upnpd::kernel {

class NetfilterRequest;

// What mappings lead in: what comes to one of these addresses, and for which there is such a key.
struct LedIn {
  std::span<const Ipv4Address> external_addresses;  // none: nothing is looked for
  std::function<bool(const PortMappingKey&)> has;
};

class FlowEnder {
 public:
  static std::expected<FlowEnder, NetlinkError> open();

  // Deletes every conntrack entry that came in through one of `closed`: destined to its external
  // port, answered by its client from its internal port, and from its RemoteHost if it has one;
  // and, of UDP, what the client of one for any RemoteHost began from there and sent by the
  // external port.
  // Deletes as well those of UDP that came before the mapping that would lead them in now, and so
  // to the router itself, and that nobody has answered: each packet refreshes such an entry, and
  // passes the mapping by. TCP needs none of it: it is refused, and begins anew.
  // Returns how many. Costs one dump of the IPv4 entries, whatever the number of mappings.
  std::expected<std::size_t, NetlinkError> end_flows(std::span<const PortMapping> closed,
                                                     const LedIn& led_in);

  // Deletes every conntrack entry that came in through one of these pinholes. One that the client
  // goes on sending to begins again, as any that it begins itself.
  std::expected<std::size_t, NetlinkError> end_flows(std::span<const Pinhole> closed);

 private:
  using Choice = std::function<bool(const nf_conntrack*)>;
  // Of what `dump` asks for, those that are chosen.
  std::expected<std::size_t, NetlinkError> end_chosen(NetfilterRequest& dump, const Choice& choice);
  explicit FlowEnder(NlSocket socket) : socket_(std::move(socket)) {}
  NlSocket socket_;
};

}  // namespace upnpd::kernel
