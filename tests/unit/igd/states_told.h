// What the gateway tells of a router: one with a WAN, one without.
#pragma once

#include <chrono>

#include "soap_control.h"

namespace upnpd::igd::test {

using namespace std::chrono_literals;

inline Ipv4Address address(const char* text) {
  return *Ipv4Address::parse(text);
}

inline const DeviceIdentity kIdentity{.uuid = "6e9b0d1e-0000-4000-8000-000000000000"};

inline StateView connected() {
  return {.identity = kIdentity,
          .wan = {.lan = 1,
                  .status = ConnectionStatus::Connected,
                  .external_address = address("203.0.113.7"),
                  .connected_since = BootTime(100s),
                  .upstream_bit_rate = 50'000'000,
                  .downstream_bit_rate = 1'000'000'000,
                  .link_up = true,
                  .inbound_pinhole_allowed = true},
          .evented = StateVariables{.port_mapping_number_of_entries = 3, .system_update_id = 7},
          .igd_version = 2,
          .now = BootTime(160s)};
}

inline StateView disconnected() {
  StateView state = connected();
  state.wan.status = ConnectionStatus::Disconnected;
  state.wan.external_address.reset();
  state.wan.link_up = false;
  return state;
}

}  // namespace upnpd::igd::test
