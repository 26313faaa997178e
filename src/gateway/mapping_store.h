// Where mappings and pinholes are kept: the core's table, the kernel and the journal, which say the
// same at all times. Whoever changes something decides it with mapper() and makes it true with
// carry_out(). What another program changes in the kernel's table is put right at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boot_timer.h"
#include "config.h"
#include "flow_ender.h"
#include "journal.h"
#include "loop.h"
#include "mapper.h"
#include "rate_limited_log.h"
#include "repair_pace.h"
#include "upnpd/nat.h"

namespace upnpd::gateway {

class MappingStore {
 public:
  // `changed` is called after each change that came true. `config` outlives the store.
  MappingStore(base::Loop& loop, const Config& config, std::unique_ptr<Nat> nat,
               kernel::FlowEnder flow_ender, std::function<void()> changed);

  // Makes or takes over the kernel's table, and puts back what kernel and journal remember. An
  // error is a line for the log.
  std::expected<void, std::string> open();
  // Closes every port. The journal keeps what each lease has left.
  void close();

  // Decides; what it decides is not true before carry_out().
  core::Mapper& mapper() { return mapper_; }
  const core::Mapper& mapper() const { return mapper_; }
  // What only the kernel knows: counters.
  Nat& nat() { return *nat_; }

  // Makes `outcome`, the mapper's last, true, and follows it up. False: the kernel refused it,
  // kernel_fault() says why, and the mapper has forgotten it.
  bool carry_out(const core::Outcome& outcome, BootTime now);
  // Its two steps, for who answers between them: the kernel's, which a crash does not undo and the
  // next start takes over; and what nobody waits for, a write to a slow disk among it: the journal,
  // the log, the flows of what is gone, the events.
  bool make_true(const core::Outcome& outcome, BootTime now);
  void follow_up(const core::Outcome& outcome, BootTime now);
  // From now on `policy` holds: what it forbids is gone, and its flows. False: the kernel refused.
  bool set_policy(core::Policy policy);
  // Ends the leases that are over.
  void end_leases();
  // Makes the kernel's sets say where the router stands now.
  void set_surroundings(NatSurroundings surroundings);

  // What the kernel last refused, or that another program keeps changing the table; "" when all is
  // well.
  std::string kernel_fault() const;
  // What keeps the journal from being written, or else what was wrong with it at the start.
  const std::string& journal_fault() const {
    return journal_.fault().empty() ? reading_fault_ : journal_.fault();
  }

 private:
  // ---- at the start (mapping_store_restore.cpp) ----
  std::expected<void, std::string> restore(TableOrigin origin);
  // All of it; what does not come back is closed.
  void put_back(TableOrigin origin, const NatContents& held, Journal::Reading& reading,
                BootTime now);
  // False: policy does not permit it any more, or its lease has ended.
  bool put_back(const PortMapping& mapping, BootTime now);
  bool put_back(const Pinhole& pinhole, BootTime now);
  std::expected<void, NatError> put_in_one_by_one(BootTime now);

  // ---- what another program has left (mapping_store_import.cpp) ----
  void import_leases(const std::filesystem::path& left_behind, BootTime now);
  bool import_file(const std::filesystem::path& file, BootTime now);
  bool is_full() const;

  // ---- the kernel made to agree (mapping_store_heal.cpp) ----
  std::vector<NatChange> changes_from(const NatContents& held) const;
  // How many changes of mappings and pinholes it took.
  std::expected<std::size_t, NatError> make_agree(const NatContents& held);
  void on_foreign_change();
  void plan_heal();
  bool heal();

  bool commit(const std::vector<NatChange>& changes, BootTime now);
  void log_events(const core::Outcome& outcome, BootTime now);
  void note_flows(const core::Outcome& outcome);
  // Of all mappings there are.
  void look_for_early_flows();
  void plan_end_of_flows();
  void end_flows();
  void plan_next_end();

  base::Loop& loop_;
  const Config& config_;
  std::unique_ptr<Nat> nat_;
  kernel::FlowEnder flow_ender_;
  std::function<void()> changed_;
  core::Mapper mapper_;
  Journal journal_;
  std::optional<NatSurroundings> surroundings_;  // no value: not yet known
  std::string refusal_;                          // the kernel's last
  std::string reading_fault_;                    // of the journal, at the start
  bool table_was_named_ = false;                 // by a change of another program's, since repaired
  RepairPace pace_;
  // A host that maps in a loop is one host's noise; a whole evening of games comes through.
  base::RateLimitedLog event_log_{{.burst = 100, .per_line = std::chrono::milliseconds(200)}};
  std::vector<PortMapping> closed_;  // whose flows are still to be ended
  std::vector<Pinhole> closed_pinholes_;
  bool has_opened_ = false;        // UDP may have come to the router itself before it was led in
  BootTime::duration flow_pause_;  // before the next look for their flows
  base::BootTimer lease_timer_;
  base::Timer sync_timer_, flow_timer_, heal_timer_;
  std::optional<base::FdWatcher> watcher_;  // of the changes others make
};

}  // namespace upnpd::gateway
