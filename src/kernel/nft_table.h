// The kernel's NAT for real: `table inet upnpd`, by netlink. A mapping is an element of a map with
// the lease as its timeout, so that the kernel closes the port even when upnpd is dead, and with
// description and owner as its userdata, so that a restarted upnpd reads everything back.
//
// Needs CAP_NET_ADMIN. A batch of more than some hundred changes needs it outside of every user
// namespace: only then may the socket's buffer grow past net.core.wmem_max.
#pragma once

#include <chrono>
#include <optional>

#include "nft_dump.h"
#include "nft_element.h"
#include "nl_socket.h"
#include "table_watch.h"
#include "upnpd/nat.h"

namespace upnpd::kernel {

class NftBatch;

// Whether other programs may change the table, where the kernel can keep them from it (from 6.12
// on). A table of OursAlone still outlives us, and falls to the next upnpd.
enum class TableAccess { OursAlone, Everyones };

class NftTable : public Nat {
 public:
  explicit NftTable(TableAccess access) : access_(access) {}
  // For tests: by `socket`, and without a watch.
  NftTable(TableAccess access, NlSocket socket) : access_(access), socket_(std::move(socket)) {}

  std::expected<TableOrigin, NatError> open() override;
  // See Nat. A key that the kernel holds already is refused with EEXIST: a renewal is RemoveMapping
  // and AddMapping in one commit, and its counter begins anew; that of a pinhole closed and opened
  // again with the same id goes on. RemoveMapping of a key that leads
  // elsewhere by now is refused, with EBUSY or EEXIST by the kernel's version.
  std::expected<void, NatError> commit(std::span<const NatChange> changes, BootTime now) override;
  // See Nat. A table that others may change, left by an older upnpd, is not kept where the kernel
  // would keep them out: EOPNOTSUPP. EPERM: it is another program's.
  std::expected<void, NatError> rewrite(RewriteOf of,
                                        const std::optional<NatSurroundings>& surroundings,
                                        std::span<const NatChange> changes, BootTime now) override;
  // See Nat. Costs nothing when they are what was last set.
  std::expected<void, NatError> set_surroundings(const NatSurroundings& surroundings) override;
  std::expected<NatContents, NatError> read_back(BootTime now) override;
  std::expected<TrafficCounters, NatError> pinhole_traffic(const PinholeKey& key) override;
  std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> counters() override;
  std::expected<void, NatError> close() override;
  std::optional<int> watch_fd() const override {
    return watch_ ? std::optional(watch_->fd()) : std::nullopt;
  }
  ForeignChange foreign_change() override;

 private:
  enum class Retry { Interrupted, InterruptedOrMissing };
  // An element that stands for nothing of ours, and its set.
  struct Stranger {
    const char* set;
    Element element;
  };
  std::expected<void, NatError> apply(NftBatch& batch, Retry retry = Retry::Interrupted);
  std::expected<void, NlSocket::Refusal> send(std::span<const std::byte> batch);
  std::expected<void, NatError> open_sockets();
  std::uint32_t table_flags();
  void add_layout(NftBatch& batch);
  std::expected<std::vector<Element>, NatError> elements_in(const char* set);
  // As dump_elements(), without holding them; a set that is not there is empty.
  std::expected<void, NatError> visit(const char* set, const std::function<void()>& begin,
                                      const ElementVisit& function);
  std::expected<void, NatError> read_mappings(BootTime now, NatContents& contents);
  std::expected<void, NatError> read_pinholes(BootTime now, NatContents& contents);
  // What the pinholes have counted that `changes` close and open again.
  std::map<PinholeKey, TrafficCounters> counted_by_renewed(std::span<const NatChange> changes);

  TableAccess access_;
  std::optional<NlSocket> socket_;               // the table's owner, where it has one
  std::optional<TableWatch> watch_;              // none where nobody else can change the table
  std::optional<bool> kernel_knows_owners_;      // no value: not yet asked
  std::optional<NatSurroundings> surroundings_;  // as last set; no value: unknown
  std::vector<Stranger> strangers_;              // as last read back
  std::chrono::steady_clock::time_point reading_since_;
};

}  // namespace upnpd::kernel
