// The router's internet side, computed anew from each snapshot of the interfaces.
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
  std::optional<Ipv4Address> external_address;  // what clients are told
  bool link_up = false;
  friend bool operator==(const WanSide&, const WanSide&) = default;
};

WanSide find_wan(const Config& config, const kernel::RouterInterfaces& interfaces);

// What an administrator should know of the address: "" when it is a public one.
std::string note_on(const WanSide& wan);

// Bits a second by /sys/class/net/INTERFACE/speed; 0 when the driver does not say.
std::uint32_t link_bit_rate(const std::string& interface);

}  // namespace upnpd::gateway
