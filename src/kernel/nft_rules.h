// The chains of `table inet upnpd` and their rules. They are constant: whatever varies is looked up
// in a set, so that a packet costs the same with one mapping and with 60 000, and no change of a
// mapping ever touches a rule.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "nft_owner.h"

namespace upnpd::kernel {

// A new connection from the WAN to a mapped client carries this mark between our two forward
// chains, for another firewall's rule to accept it by.
inline constexpr std::uint32_t kForwardMark = 0x55506e50;  // "UPnP"

struct ChainDefinition {
  const char* name;
  const char* type;    // "nat" or "filter"
  std::uint32_t hook;  // NF_INET_...
  std::int32_t priority;
};

inline constexpr std::size_t kChainCount = 5;
extern const std::array<ChainDefinition, kChainCount> kChains;

// Every rule, in the order they are added.
std::vector<Owned<nftnl_rule>> make_rules();

}  // namespace upnpd::kernel
