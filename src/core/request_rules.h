// The rules a mapping request must pass before the table is asked, in the order in which
// WANIPConnection:2 makes the most specific error win. Pure: request, policy and surroundings in, a
// mapping or a refusal out.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "mapping_table.h"
#include "neighbours.h"
#include "policy.h"
#include "upnpd/messages.h"

namespace upnpd::core {

// A LAN as the rules see it: the networks whose hosts may ask, and the router's addresses there.
struct Lan {
  LanIndex index;
  std::vector<Ipv4Network> networks;
  std::vector<Ipv6Network> ipv6_networks = {};
};

struct Surroundings {
  std::vector<Lan> lans;
  std::vector<Ipv4Address> own_addresses;  // every address of the router, whatever the interface
  std::vector<Ipv6Address> own_ipv6_addresses = {};
  // Asked for pinholes, and by callers over IPv6.
  Neighbours neighbours = {};
};

struct Refusal {
  UpnpError error;
  std::string reason;  // for the log
};

// What a request asks for once its arguments are judged. External port and lease are final.
struct WantedMapping {
  PortMappingKey key;
  InternalClient client;
  InternalPort internal_port;
  bool enabled;
  PortMappingDescription description;
  LeaseDuration lease;
};

// The lease granted for NewLeaseDuration `asked`, in seconds. WANIPConnection:2 2.3.17: 0 becomes
// 604800, more is cut to it; WANIPConnection:1 2.2.18: 0 is permanent. `longest` of 0 = no limit.
LeaseDuration granted_lease(std::uint32_t asked, IgdVersion version, std::chrono::seconds longest);

// Judges all arguments of AddPortMapping or AddAnyPortMapping but the permission lines.
std::expected<WantedMapping, Refusal> judge_arguments(const RequestHead& head,
                                                      const PortMappingArguments& arguments,
                                                      const Policy& policy,
                                                      const Surroundings& surroundings);

// The key that GetSpecificPortMappingEntry names.
std::expected<PortMappingKey, Refusal> judge_key(const AddressArgument& remote_host,
                                                 std::uint16_t external_port,
                                                 const ProtocolArgument& protocol);

// The keys that DeletePortMapping names: without a protocol, those of both. Clients send it so.
std::expected<std::vector<PortMappingKey>, Refusal> judge_keys(const AddressArgument& remote_host,
                                                               std::uint16_t external_port,
                                                               const ProtocolArgument& protocol);

// What DeletePortMappingRange or GetListOfPortMappings names.
std::expected<PortSpan, Refusal> judge_range(const RequestHead& head, const PortMappingRange& range,
                                             const Surroundings& surroundings);

// The LAN that `address` is a host of: the one with the longest prefix for it, as routes go. No
// value when two LANs have it alike, since nobody could say which host is meant.
std::optional<LanIndex> lan_of_host(Ipv4Address address, const Surroundings& surroundings);

// Whether a mapping to `client` leads to no LAN: each has networks, and they are others now. A LAN
// that is down, or has no address, has none, and may be the one.
bool is_stranded(Ipv4Address client, const Surroundings& surroundings);

// Whether `address` is one of a host of that LAN.
bool is_host_of(const IpAddress& address, LanIndex lan, const Surroundings& surroundings);

// Whether the caller of `head` is a host of the LAN it came by.
bool is_on_its_lan(const RequestHead& head, const Surroundings& surroundings);

// The IPv4 addresses for which the caller may speak: its own; over IPv6, those of its LAN by which
// the neighbour table knows the host with its hardware address. That table takes in what anybody
// says of himself, an address of another LAN too.
std::vector<Ipv4Address> ipv4_addresses_of_caller(const RequestHead& head,
                                                  const Surroundings& surroundings);

}  // namespace upnpd::core
