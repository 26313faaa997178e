// What one rule of somebody else's nftables table does with packets from the WAN, as far as it can
// be read: which protocol and destination ports it takes, whether it redirects them, which chain it
// sends them on to. What is not understood is passed over: the rule then counts for more packets
// than it takes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nft_owner.h"
#include "router_listeners.h"

namespace upnpd::kernel {

struct PortInterval {
  std::uint16_t first;
  std::uint16_t last;
  friend bool operator==(const PortInterval&, const PortInterval&) = default;
};

// The packets that a rule has taken so far.
struct TakenPackets {
  bool from_wan = true;                            // false: none from the WAN
  std::optional<Protocol> protocol;                // no value: any
  std::optional<std::vector<PortInterval>> ports;  // no value: not told by their port
};

struct RedirectRule {
  TakenPackets taken;
  bool redirects = false;           // dnat or redirect
  std::optional<std::string> jump;  // jump or goto
};

// The ports in a set of the rule's table, which lie `offset` bytes into its keys; no value when it
// cannot be read.
using PortsOfSet = std::function<std::optional<std::vector<PortInterval>>(const std::string& set,
                                                                          std::size_t offset)>;

// Reads `rule`, which packets reach that `before` tells.
RedirectRule read_redirect_rule(nftnl_rule* rule, TakenPackets before, const WanNames& wan,
                                const PortsOfSet& ports_of_set);

}  // namespace upnpd::kernel
