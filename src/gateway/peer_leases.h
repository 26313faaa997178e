// The lease files that miniupnpd leaves, read: one line a mapping or pinhole, either format of its
// IPv4 file and that of its IPv6 file. A function from text to values, whatever the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd::gateway {

// What a lease has left whose end is a date, when the date of today is not known.
inline constexpr std::chrono::hours kLeaseOfUnknownEnd{1};

struct PeerLeases {
  std::vector<PortMapping> mappings;  // without ids; each client is its owner
  std::vector<Pinhole> pinholes;  // with the ids their clients know; whose they are, is not told
  std::size_t ended = 0;          // lines whose lease is over
  std::vector<std::size_t> not_understood;  // lines, the first is 1
};

// Reads `text` at `now`, which is `date` by the wall clock in seconds since 1970; no value when
// that clock is not set. Whatever ends within a date's lease gets a week at most (a pinhole a day):
// the standards' longest.
//   PROTO:eport:iaddr:iport:expiry:desc             until 2.3.11
//   PROTO:eport:rhost:iaddr:iport:expiry:desc       later
//   PROTO;iaddr;iport;raddr;rport;uid;expiry;desc   IPv6
PeerLeases read_peer_leases(std::string_view text, BootTime now, std::optional<std::int64_t> date);

}  // namespace upnpd::gateway
