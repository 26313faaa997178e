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
// EPROTO: its answer was lost, and whether it took the changes only read_back() tells.
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

// What the kernel holds of ours, but for outward mappings, which follow from the mappings.
struct NatContents {
  std::vector<PortMapping> mappings;
  std::vector<Pinhole> pinholes;
};

// What open() found: no table, so that one is to be made, or one that a former run left.
enum class TableOrigin { Made, TakenOver };

// What a rewrite begins with: the elements the table holds, or none.
enum class RewriteOf { Held, Nothing };

// What others have changed in the kernel: nothing of ours, something in our table, or more than the
// kernel could tell.
enum class ForeignChange { None, Ours, Lost };

class Nat {
 public:
  Nat() = default;
  Nat(const Nat&) = delete;
  Nat& operator=(const Nat&) = delete;
  virtual ~Nat() = default;

  // Opens the way to the kernel and looks for table `inet upnpd`. Changes nothing; rewrite() makes
  // the table.
  virtual std::expected<TableOrigin, NatError> open() = 0;
  // Applies `changes` in their order as one transaction. Leases run from `now`. On an error other
  // than EPROTO nothing has changed.
  virtual std::expected<void, NatError> commit(std::span<const NatChange> changes,
                                               BootTime now) = 0;
  // Makes the table whole, as one transaction: sets, chains and rules as they should be, the
  // surroundings if they are known, and `changes`, with all outward mappings among them. `of` Held:
  // mappings and pinholes stay, but for those that the last read_back() could not read; refused
  // where sets or chains differ too much to stay. `of` Nothing: whatever was there goes first, so
  // that `changes` are all there is.
  virtual std::expected<void, NatError> rewrite(RewriteOf of,
                                                const std::optional<NatSurroundings>& surroundings,
                                                std::span<const NatChange> changes,
                                                BootTime now) = 0;
  // Makes the kernel's sets of interfaces, addresses, networks and ports what `surroundings` says.
  virtual std::expected<void, NatError> set_surroundings(const NatSurroundings& surroundings) = 0;
  // All the kernel holds now, as it was put in (a description may be cut short: an element's
  // userdata holds 256 bytes). Nothing where there is no table.
  virtual std::expected<NatContents, NatError> read_back(BootTime now) = 0;
  // The packets that came in through a pinhole since it was put in, its renewals included. ENOENT:
  // the kernel does not hold it.
  virtual std::expected<TrafficCounters, NatError> pinhole_traffic(const PinholeKey& key) = 0;
  // Traffic by mapping since it was put in.
  virtual std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> counters() = 0;
  // Takes the table away and with it every mapping.
  virtual std::expected<void, NatError> close() = 0;

  // Readable when others have changed something; good from open() on. No value where they cannot.
  virtual std::optional<int> watch_fd() const = 0;
  // What others have changed since the last call; to be asked after each write too. Does not wait.
  virtual ForeignChange foreign_change() = 0;
};

}  // namespace upnpd
