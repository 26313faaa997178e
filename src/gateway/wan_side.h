// The router's internet side, computed anew from each snapshot of the interfaces: its WANs, and
// which LAN goes by which.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config.h"
#include "interface_watch.h"
#include "upnpd/messages.h"

namespace upnpd::gateway {

struct WanSide {
  std::optional<std::string> interface;         // none: neither configured nor a default route
  std::vector<Ipv4Address> addresses;           // what the kernel matches
  std::optional<Ipv4Address> external_address;  // what clients are told: who they are outside
  bool link_up = false;
  std::uint64_t bits_per_second = 0;  // measured, not found here; 0: the driver does not say
  friend bool operator==(const WanSide&, const WanSide&) = default;
};

struct InternetSide {
  std::vector<WanSide> wans;  // at least one, which may be nothing
  std::size_t usual = 0;      // the place of the one for LANs that no lan_wan line names

  const WanSide& of(const Config& config, const std::string& lan) const;
  friend bool operator==(const InternetSide&, const InternetSide&) = default;
};

// The usual WAN is the default route's, if it is one of several that are configured; or else the
// first that has an address.
InternetSide find_internet(const Config& config, const kernel::RouterInterfaces& interfaces);

// What an administrator should know of the address: "" when it is a public one.
std::string note_on(const WanSide& wan);

// A speed as Layer1UpstreamMaxBitRate has it (WANCommonInterfaceConfig:1 section 2.2.2): a ui4, and
// so the largest there is for a link of more than 4.29 Gbit/s.
std::uint32_t bit_rate_variable(std::uint64_t bits_per_second);

}  // namespace upnpd::gateway
