// What the service has been told of the router so far, and the part of it one request sees.
#pragma once

#include <map>
#include <optional>

#include "upnpd/messages.h"

namespace upnpd::igd {

struct RouterState {
  std::optional<DeviceIdentity> identity;
  std::map<LanIndex, WanState> wans;
  std::optional<StateVariables> evented;

  // The WAN side of `lan`: disconnected while nothing has been said of it.
  WanState wan_of(LanIndex lan) const {
    const auto found = wans.find(lan);
    if (found != wans.end()) return found->second;
    return {.lan = lan,
            .status = ConnectionStatus::Disconnected,
            .external_address = {},
            .connected_since = {},
            .upstream_bit_rate = 0,
            .downstream_bit_rate = 0,
            .link_up = false,
            .inbound_pinhole_allowed = false};
  }
};

// The router as the state variables tell it to one caller.
struct StateView {
  const DeviceIdentity& identity;
  WanState wan;
  std::optional<StateVariables> evented;
  int igd_version;  // of the description whose control URL was asked, 1 or 2
  BootTime now;
};

}  // namespace upnpd::igd
