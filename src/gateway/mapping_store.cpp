#include "mapping_store.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
// The kernel rounds an element's timeout up to its own tick, at most 10 ms.
constexpr auto kKernelTick = 20ms;
constexpr auto kSyncPause = 1s;
// How long the flows of a mapping that is gone may wait: many deletions share one look through all
// flows, and a mapping may be back at once.
constexpr auto kFlowPause = 50ms;
constexpr auto kLongestFlowPause = 500ms;

const char* word(core::MappingEvent::Kind kind) {
  using enum core::MappingEvent::Kind;
  switch (kind) {
    case Added: return "added";
    case Replaced: return "renewed";
    case Deleted: return "deleted";
    case Expired: return "expired";
  }
  return "";
}

std::string line_for(const core::MappingEvent& event, BootTime now) {
  const PortMapping& m = event.mapping;
  std::string line = std::string("mapping ") + std::to_string(m.id) + " " + word(event.kind) +
                     ": " + to_string(m.key) + " -> " + m.client.address().to_string() + ":" +
                     std::to_string(m.internal_port.number());
  using enum core::MappingEvent::Kind;
  if (event.kind == Added || event.kind == Replaced)
    line += m.expires ? ", " + std::to_string(remaining_seconds(m, now)) + " s" : ", permanent";
  line += ", \"" + base::printable(m.description.text()) + "\"";
  return event.reason.empty() ? line : line + ": " + event.reason;
}

// Whether `error` says that the kernel holds something else than it was given, or that nobody knows
// what it holds.
bool holds_something_else(const NatError& error) {
  return error.error == ENOENT || error.error == EEXIST || error.error == EBUSY ||
         error.error == EPROTO;
}

const char* word(core::PinholeEvent::Kind kind) {
  using enum core::PinholeEvent::Kind;
  switch (kind) {
    case Added: return "added";
    case Renewed: return "renewed";
    case Deleted: return "deleted";
    case Expired: return "expired";
  }
  return "";
}

std::string line_for(const core::PinholeEvent& event, BootTime now) {
  const Pinhole& pinhole = event.pinhole;
  std::string line = "pinhole " + std::to_string(pinhole.id.number()) + " " + word(event.kind) +
                     ": " + to_string(pinhole.key);
  if (!core::closes(event))
    line += ", " + std::to_string(remaining_seconds(pinhole, now)) + " s, for " +
            to_string(pinhole.owner);
  return event.reason.empty() ? line : line + ": " + event.reason;
}

}  // namespace

MappingStore::MappingStore(base::Loop& loop, const Config& config, std::unique_ptr<Nat> nat,
                           kernel::FlowEnder flow_ender, std::function<void()> changed)
    : loop_(loop),
      config_(config),
      nat_(std::move(nat)),
      flow_ender_(std::move(flow_ender)),
      changed_(std::move(changed)),
      mapper_(config.policy),
      journal_(config.lease_file),
      flow_pause_(kFlowPause),
      lease_timer_(loop, [this] { end_leases(); }),
      sync_timer_(loop, [this] { journal_.sync(); }),
      flow_timer_(loop, [this] { end_flows(); }),
      heal_timer_(loop, [this] { heal(); }) {}

void MappingStore::close() {
  if (flow_timer_.is_running()) end_flows();  // of what went before
  if (const auto closed = nat_->close(); !closed)
    base::log_error(base::with_errno(closed.error().what, closed.error().error));
  // The leases' remaining times as of now, for a reboot that follows.
  journal_.rewrite(mapper_, base::boot_now());
}

bool MappingStore::carry_out(const core::Outcome& outcome, BootTime now) {
  if (!make_true(outcome, now)) return false;
  follow_up(outcome, now);
  return true;
}

bool MappingStore::make_true(const core::Outcome& outcome, BootTime now) {
  if (!commit(outcome.changes, now)) {
    mapper_.revert();
    return false;
  }
  mapper_.confirm();
  return true;
}

bool MappingStore::commit(const std::vector<NatChange>& changes, BootTime now) {
  if (changes.empty()) return true;
  const auto committed = nat_->commit(changes, now);
  on_foreign_change();
  if (committed) {
    refusal_.clear();
    return true;
  }
  const std::string before = std::exchange(
      refusal_, (committed.error().error == EPROTO ? "the kernel's answer was lost: "
                                                   : "the kernel refused: ") +
                    base::with_errno(committed.error().what, committed.error().error));
  if (refusal_ != before) base::log_warning(refusal_);
  if (!holds_something_else(committed.error())) return false;
  if (pace_.is_contested(now)) {
    plan_heal();
    return false;
  }
  // The table already has what `changes` say: made to agree, the kernel has it too.
  return heal();
}

void MappingStore::set_surroundings(NatSurroundings surroundings) {
  const auto is_new = [this](Ipv4Address address) {
    return !surroundings_ || std::ranges::count(surroundings_->external_addresses, address) == 0;
  };
  if (std::ranges::any_of(surroundings.external_addresses, is_new)) look_for_early_flows();
  surroundings_ = std::move(surroundings);
  const auto set = nat_->set_surroundings(*surroundings_);
  if (set) return;
  base::log_error(base::with_errno(set.error().what, set.error().error));
  plan_heal();
}

void MappingStore::follow_up(const core::Outcome& outcome, BootTime now) {
  if (!outcome.has_events()) return;
  const bool was_well = journal_.fault().empty();
  journal_.append(outcome, mapper_, now);
  if (was_well && !journal_.fault().empty()) base::log_error(journal_.fault());
  if (journal_.needs_sync() && !sync_timer_.is_running()) sync_timer_.start(kSyncPause);
  log_events(outcome, now);
  note_flows(outcome);
  plan_next_end();
  changed_();
}

void MappingStore::log_events(const core::Outcome& outcome, BootTime now) {
  using base::LogLevel;
  for (const core::MappingEvent& event : outcome.events)
    event_log_.log(LogLevel::Notice, event.mapping.owner.to_string(), line_for(event, now));
  for (const core::PinholeEvent& event : outcome.pinhole_events)
    event_log_.log(LogLevel::Notice, to_string(event.pinhole.owner), line_for(event, now));
}

void MappingStore::note_flows(const core::Outcome& outcome) {
  for (const core::MappingEvent& event : outcome.events) {
    if (auto closed = core::closed_by(event)) closed_.push_back(*std::move(closed));
    if (event.mapping.key.protocol == Protocol::UDP && core::opens(event)) has_opened_ = true;
  }
  for (const core::PinholeEvent& event : outcome.pinhole_events)
    if (core::closes(event)) closed_pinholes_.push_back(event.pinhole);
  plan_end_of_flows();
}

void MappingStore::look_for_early_flows() {
  mapper_.table().for_each([this](const PortMapping& m) {
    if (m.key.protocol == Protocol::UDP && m.enabled) has_opened_ = true;
  });
  plan_end_of_flows();
}

void MappingStore::plan_end_of_flows() {
  if (!config_.end_flows) {
    closed_.clear();
    closed_pinholes_.clear();
  }
  const bool any = !closed_.empty() || !closed_pinholes_.empty() || has_opened_;
  if (any && !flow_timer_.is_running()) flow_timer_.start(flow_pause_);
}

void MappingStore::end_flows() {
  const BootTime begun = base::boot_now();
  const auto warn = [](const auto& ended) {
    if (!ended)
      base::log_warning(
          base::with_errno("established flows could not be ended", ended.error().error));
  };
  // Many clients delete a mapping just before they add it: that is no end.
  std::erase_if(closed_, [this](const PortMapping& m) { return mapper_.table().covers(m); });
  std::erase_if(closed_pinholes_,
                [this](const Pinhole& p) { return mapper_.pinholes().find(p.key) != nullptr; });
  kernel::LedIn led_in{.external_addresses = {}, .has = [this](const PortMappingKey& key) {
                         const PortMapping* const mapping = mapper_.table().find(key);
                         return mapping != nullptr && mapping->enabled;
                       }};
  if (std::exchange(has_opened_, false) && surroundings_)
    led_in.external_addresses = surroundings_->external_addresses;
  if (!closed_.empty() || !led_in.external_addresses.empty())
    warn(flow_ender_.end_flows(closed_, led_in));
  if (!closed_pinholes_.empty()) warn(flow_ender_.end_flows(closed_pinholes_));
  closed_.clear();
  closed_pinholes_.clear();
  // A look costs as much as the kernel's table of flows is large, whatever is in it: requests that
  // delete without a pause give a twentieth of the time to it.
  const auto took = base::boot_now() - begun;
  flow_pause_ = std::clamp<BootTime::duration>(20 * took, kFlowPause, kLongestFlowPause);
}

bool MappingStore::set_policy(core::Policy policy) {
  end_leases();
  return carry_out(mapper_.set_policy(std::move(policy)), base::boot_now());
}

void MappingStore::end_leases() {
  const BootTime now = base::boot_now();
  const core::Outcome outcome = mapper_.tick(now);
  // The kernel has closed the ports by itself; this only clears what it may still remember.
  if (!commit(outcome.changes, now)) plan_heal();
  mapper_.confirm();
  follow_up(outcome, now);
  if (!outcome.has_events()) plan_next_end();
}

void MappingStore::plan_next_end() {
  const auto deadline = mapper_.next_deadline();
  if (!deadline) return lease_timer_.stop();
  lease_timer_.start(*deadline + kKernelTick);
}

}  // namespace upnpd::gateway
