// The kernel made to agree with the table: when another program has changed it, and whenever it
// turns out to hold something else than what it was given.
#include <algorithm>
#include <utility>

#include "clock.h"
#include "log.h"
#include "mapping_store.h"
#include "memory.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
// A program that changes the table often does so in several transactions.
constexpr auto kGatherPause = 20ms;
constexpr const char* kContested =
    "other programs keep changing nf_tables: table inet upnpd is repaired after growing pauses";

}  // namespace

std::vector<NatChange> MappingStore::changes_from(const NatContents& held) const {
  auto changes = mapper_.reconcile(held.mappings);
  for (auto& more : {mapper_.reconcile(held.pinholes), mapper_.outward_mappings()})
    changes.insert(changes.end(), more.begin(), more.end());
  return changes;
}

std::expected<std::size_t, NatError> MappingStore::make_agree(const NatContents& held) {
  auto changes = changes_from(held);
  auto written = nat_->rewrite(RewriteOf::Held, surroundings_, changes, base::boot_now());
  if (!written) {
    // What is there cannot stay as it is, or nobody knows what it is.
    changes = changes_from({});
    written = nat_->rewrite(RewriteOf::Nothing, surroundings_, changes, base::boot_now());
  }
  on_foreign_change();
  if (!written) return std::unexpected(written.error());
  return std::ranges::count_if(changes, [](const NatChange& change) {
    return !std::holds_alternative<AddOutward>(change);  // those are written each time
  });
}

void MappingStore::on_foreign_change() {
  const ForeignChange change = nat_->foreign_change();
  table_was_named_ = table_was_named_ || change == ForeignChange::Ours;
  if (change != ForeignChange::None) plan_heal();
}

void MappingStore::plan_heal() {
  if (heal_timer_.is_running()) return;
  const BootTime now = base::boot_now();
  const bool was_contested = pace_.is_contested(now);
  heal_timer_.start(
      std::max<std::chrono::milliseconds>(pace_.pause_before_next(now), kGatherPause));
  if (!was_contested && pace_.is_contested(now)) base::log_warning(kContested);
}

bool MappingStore::heal() {
  heal_timer_.stop();
  const BootTime now = base::boot_now();
  (void)nat_->foreign_change();  // what came until here is about to be seen
  const auto held = nat_->read_back(now);
  const auto healed = held ? make_agree(*held) : std::unexpected(held.error());
  pace_.repaired(base::boot_now());
  if (!healed) {
    const std::string fault = "table inet upnpd cannot be repaired: " +
                              base::with_errno(healed.error().what, healed.error().error);
    if (fault != refusal_) base::log_error(fault);
    refusal_ = fault;
    plan_heal();
    return false;
  }
  base::give_back_memory();
  refusal_.clear();
  const bool is_news = std::exchange(table_was_named_, false) || *healed != 0;
  if (is_news) look_for_early_flows();  // meanwhile nothing may have been led in
  if (is_news && !pace_.is_contested(now))
    base::log_warning("table inet upnpd was not what it should be: it is repaired, with " +
                      std::to_string(*healed) + " changes of its elements");
  return true;
}

std::string MappingStore::kernel_fault() const {
  return pace_.is_contested(base::boot_now()) ? kContested : refusal_;
}

}  // namespace upnpd::gateway
