// The kernel's NAT for real: `table inet upnpd`, by netlink. A mapping is an element of a map with
// the lease as its timeout, so that the kernel closes the port even when upnpd is dead, and with
// description and owner as its userdata, so that a restarted upnpd reads everything back.
//
// Needs CAP_NET_ADMIN. A batch of more than some hundred changes needs it outside of every user
// namespace: only then may the socket's buffer grow past net.core.wmem_max.
#pragma once

#include <optional>

#include "nft_element.h"
#include "nl_socket.h"
#include "upnpd/nat.h"

namespace upnpd::kernel {

class NftBatch;

class NftTable : public Nat {
 public:
  // See Nat. A table with another definition of a set or chain, an older upnpd's, is replaced; its
  // mappings are kept as far as they can be read.
  std::expected<TableOrigin, NatError> open() override;
  // See Nat. A key that the kernel holds already is refused with EEXIST: a renewal is RemoveMapping
  // and AddMapping in one commit, and its counter begins anew; that of a pinhole closed and opened
  // again with the same id goes on. RemoveMapping of a key that leads
  // elsewhere by now is refused, with EBUSY or EEXIST by the kernel's version.
  std::expected<void, NatError> commit(std::span<const NatChange> changes, BootTime now) override;
  // See Nat. Costs nothing when they are what was last set.
  std::expected<void, NatError> set_surroundings(const NatSurroundings& surroundings) override;
  std::expected<std::vector<PortMapping>, NatError> read_back(BootTime now) override;
  // See Nat. Of one that has expired in part, the part that is gone expires at `now`.
  std::expected<std::vector<OutwardMapping>, NatError> read_back_outward(BootTime now) override;
  std::expected<std::vector<Pinhole>, NatError> read_back_pinholes(BootTime now) override;
  std::expected<TrafficCounters, NatError> pinhole_traffic(const PinholeKey& key) override;
  std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> counters() override;
  std::expected<void, NatError> close() override;

 private:
  enum class Retry { Interrupted, InterruptedOrMissing };
  std::expected<void, NatError> apply(NftBatch& batch, Retry retry = Retry::Interrupted);
  std::expected<TableOrigin, NatError> rebuild();
  std::expected<void, NatError> open_socket();
  std::expected<std::vector<Element>, NatError> elements_in(const char* set);
  // What the pinholes have counted that `changes` close and open again.
  std::map<PinholeKey, TrafficCounters> counted_by_renewed(std::span<const NatChange> changes);

  std::optional<NlSocket> socket_;
  std::optional<NatSurroundings> surroundings_;  // as last set; no value: unknown
};

}  // namespace upnpd::kernel
