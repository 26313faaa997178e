// What the gateway asks of the kernel's NAT and firewall: the contract between src/gateway and
// src/kernel, and the seam at which tests put a table of their own. All changes of one commit()
// take effect together or not at all.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd {

// Packets and bytes that came in through a mapping: the first packet of each connection in a NAT
// chain, as the kernel's element counters have it.
struct TrafficCounters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// Where a mapped program listens. Several mappings can lead to one endpoint.
struct Endpoint {
  InternalClient client;
  Protocol protocol;
  InternalPort port;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// The way out of an endpoint: what it sends leaves from `external_port`, and new connections to it
// may be forwarded, both until `expires` (no value: permanent).
struct OutwardMapping {
  Endpoint endpoint;
  ExternalPort external_port;
  std::optional<BootTime> external_port_expires;
  std::optional<BootTime> forward_expires;
  friend auto operator<=>(const OutwardMapping&, const OutwardMapping&) = default;
};

// The changes a commit is made of. A removal carries the value as it was put in: the kernel
// may have expired it a moment ago, and its removal succeeds all the same.
struct AddMapping {
  PortMapping mapping;
};
struct RemoveMapping {
  PortMapping mapping;
};
struct AddOutward {
  OutwardMapping outward;
};
struct RemoveOutward {
  OutwardMapping outward;
};
struct OpenPinhole {
  Pinhole pinhole;
};
struct ClosePinhole {
  Pinhole pinhole;
};
using NatChange =
    std::variant<AddMapping, RemoveMapping, AddOutward, RemoveOutward, OpenPinhole, ClosePinhole>;

// Why the kernel refused: errno as it gave it (positive), and what was tried, in words for a log.
struct NatError {
  int error;
  std::string what;
};

// A LAN as the kernel's tables know it: its interface, the network behind it, and the TCP ports
// that are open towards it alone.
struct LanAccess {
  std::string interface;
  std::vector<Ipv4Network> networks;
  std::vector<std::uint16_t> tcp_ports;
  friend bool operator==(const LanAccess&, const LanAccess&) = default;
};

// The router's surroundings, set as a whole at each change.
struct NatSurroundings {
  std::vector<std::string> wan_interfaces;
  std::vector<Ipv4Address> external_addresses;
  std::vector<LanAccess> lans;
  friend bool operator==(const NatSurroundings&, const NatSurroundings&) = default;
};

// What open() found: no table, so that it made one, or one that a former run left.
enum class TableOrigin { Made, TakenOver };

class Nat {
 public:
  Nat() = default;
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;
  virtual ~Nat() = default;

  // Makes table `inet upnpd` and its rules, or takes over the one that is there with its mappings.
  virtual std::expected<TableOrigin, NatError> open() = 0;
  // Applies `changes` in their order as one transaction. Leases run from `now`. On an error nothing
  // has changed.
  virtual std::expected<void, NatError> commit(std::span<const NatChange> changes,
                                               BootTime now) = 0;
  // Makes the kernel's sets of interfaces, addresses, networks and ports what `surroundings` says.
  virtual std::expected<void, NatError> set_surroundings(const NatSurroundings& surroundings) = 0;
  // The mappings the kernel holds now, with owner, id and description as they were put in (a
  // description may be cut short: an element's userdata holds 256 bytes).
  virtual std::expected<std::vector<PortMapping>, NatError> read_back(BootTime now) = 0;
  // The outward mappings the kernel holds now.
  virtual std::expected<std::vector<OutwardMapping>, NatError> read_back_outward(BootTime now) = 0;
  // The pinholes the kernel holds now, as they were put in.
  virtual std::expected<std::vector<Pinhole>, NatError> read_back_pinholes(BootTime now) = 0;
  // The packets that came in through a pinhole since it was put in, its renewals included. ENOENT:
  // the kernel does not hold it.
  virtual std::expected<TrafficCounters, NatError> pinhole_traffic(const PinholeKey& key) = 0;
  // Traffic by mapping since it was put in.
  virtual std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> counters() = 0;
  // Takes the table away and with it every mapping.
  virtual std::expected<void, NatError> close() = 0;
};

}  // namespace upnpd
