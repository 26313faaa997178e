// The redirects that other nftables tables have for packets from the WAN: rules with dnat or
// redirect in their nat prerouting chains, and in the chains those jump to. Of a redirect that does
// not tell packets by their port nothing is said.
#pragma once

#include <expected>
#include <vector>

#include "redirect_rule.h"

namespace upnpd::kernel {

struct StaticRedirect {
  std::optional<Protocol> protocol;  // no value: both
  PortInterval ports;
};

// `socket` is one to NETLINK_NETFILTER. Costs a dump of all chains, and of the rules of those
// tables that have such a chain.
std::expected<std::vector<StaticRedirect>, NetlinkError> dump_static_redirects(NlSocket& socket,
                                                                               const WanNames& wan);

}  // namespace upnpd::kernel
