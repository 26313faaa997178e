// Where mappings and pinholes are kept: the core's table, the kernel and the journal, which say the
// same at all times. Whoever changes something decides it with mapper() and makes it true with
// carry_out().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "boot_timer.h"
#include "config.h"
#include "flow_ender.h"
#include "journal.h"
#include "loop.h"
#include "mapper.h"
#include "rate_limited_log.h"
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

  // Makes `outcome`, the mapper's last, true: in the kernel, in the journal, in the log. False: the
  // kernel refused it, fault() says why, and the mapper has forgotten it.
  bool carry_out(const core::Outcome& outcome, BootTime now);
  // From now on `policy` holds: what it forbids is gone, and its flows. False: the kernel refused.
  bool set_policy(core::Policy policy);
  // Ends the leases that are over.
  void end_leases();
  // Makes the kernel's sets say where the router stands now.
  void set_surroundings(NatSurroundings surroundings);

  // What the kernel last refused, "" when it takes what it is given.
  const std::string& kernel_fault() const { return kernel_fault_; }
  const std::string& journal_fault() const { return journal_.fault(); }

 private:
  struct KernelContents;

  // ---- the kernel made to agree (mapping_store_restore.cpp) ----
  std::expected<void, std::string> restore(TableOrigin origin);
  void put_back(PortMapping mapping, BootTime now);
  void put_back(const Pinhole& pinhole, BootTime now);
  static std::expected<KernelContents, std::string> read_kernel(Nat& nat, BootTime now);
  std::expected<void, std::string> reconcile();
  void reconcile(const KernelContents& held, BootTime now);
  bool repair();

  bool commit(const std::vector<NatChange>& changes, BootTime now);
  void settle(const core::Outcome& outcome, BootTime now);
  void log_events(const core::Outcome& outcome, BootTime now);
  void close_flows(const core::Outcome& outcome);
  void end_closed_flows();
  void plan_next_end();

  const Config& config_;
  std::unique_ptr<Nat> nat_;
  kernel::FlowEnder flow_ender_;
  std::function<void()> changed_;
  core::Mapper mapper_;
  Journal journal_;
  NatSurroundings surroundings_;
  std::string kernel_fault_;
  // A host that maps in a loop is one host's noise; a whole evening of games comes through.
  base::RateLimitedLog event_log_{{.burst = 100, .per_line = std::chrono::milliseconds(200)}};
  std::vector<PortMapping> closed_;  // whose flows are still to be ended
  std::vector<Pinhole> closed_pinholes_;
  base::BootTimer lease_timer_;
  base::Timer sync_timer_, flow_timer_;
};

}  // namespace upnpd::gateway
