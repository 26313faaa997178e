// The start: what kernel and journal remember goes back into the table, and from there into both.
#include <algorithm>
#include <map>

#include "clock.h"
#include "log.h"
#include "mapping_store.h"
#include "memory.h"

namespace upnpd::gateway {
namespace {

constexpr const char* kNeeded =
    "; upnpd needs CAP_NET_ADMIN over its network, a kernel with nf_tables NAT (5.7 or later), and "
    "no other upnpd beside it";

std::string in_words(const NatError& error) {
  return base::with_errno(error.what, error.error);
}

}  // namespace

std::expected<void, std::string> MappingStore::open() {
  const auto origin = nat_->open();
  if (!origin) return std::unexpected(in_words(origin.error()) + kNeeded);
  if (const auto fd = nat_->watch_fd())
    watcher_.emplace(loop_, *fd, base::Interest::Read, [this] { on_foreign_change(); });
  return restore(*origin);
}

std::expected<void, std::string> MappingStore::restore(TableOrigin origin) {
  const BootTime now = base::boot_now();
  const auto held = nat_->read_back(now);
  // An empty answer and no answer are different things: the journal stays as it is.
  if (!held) return std::unexpected("the mappings cannot be read back: " + in_words(held.error()));

  Journal::Reading reading = journal_.read(now);
  for (const std::string& problem : reading.problems)
    base::log_warning(problem);
  if (!reading.problems.empty()) reading_fault_ = reading.problems.front();
  mapper_.reserve_ids_up_to(reading.last_id);
  put_back(origin, *held, reading, now);
  import_leases(reading.foreign, now);
  if (!make_agree(*held))
    if (const auto done = put_in_one_by_one(now); !done)
      return std::unexpected("table inet upnpd cannot be made: " + in_words(done.error()) +
                             kNeeded);

  journal_.rewrite(mapper_, now);
  base::give_back_memory();  // what was read is held a second time no more
  if (!journal_.fault().empty()) base::log_warning(journal_.fault());
  plan_end_of_flows();
  plan_next_end();
  return {};
}

void MappingStore::put_back(TableOrigin origin, const NatContents& held, Journal::Reading& reading,
                            BootTime now) {
  std::map<PortMappingKey, PortMapping> remembered;
  for (PortMapping& mapping : reading.mappings)
    remembered.insert_or_assign(mapping.key, std::move(mapping));

  for (PortMapping mapping : held.mappings) {
    if (mapping.id == 0) continue;  // not ours: somebody put it in by hand
    // The kernel is the truth; the journal knows what an element has no room for.
    auto known = remembered.extract(mapping.key);
    if (known && known.mapped().client == mapping.client)
      mapping.description = known.mapped().description;
    if (known && core::endpoint_of(known.mapped()) != core::endpoint_of(mapping))
      closed_.push_back(std::move(known.mapped()));
    if (!put_back(mapping, now)) closed_.push_back(std::move(mapping));
  }
  // An enabled mapping that a table of a former run does not hold has been closed.
  const bool is_whole = origin == TableOrigin::TakenOver;
  for (auto& [key, mapping] : remembered)
    if ((is_whole && mapping.enabled) || !put_back(mapping, now))
      closed_.push_back(std::move(mapping));
  for (const Pinhole& pinhole : held.pinholes)
    if (!put_back(pinhole, now)) closed_pinholes_.push_back(pinhole);
  for (const Pinhole& pinhole : reading.pinholes)
    if (is_whole ? mapper_.pinholes().find(pinhole.key) == nullptr : !put_back(pinhole, now))
      closed_pinholes_.push_back(pinhole);
  // Nobody was there when it ended, or the run that was fell before it had ended the flows.
  std::ranges::move(reading.ended, std::back_inserter(closed_));
  std::ranges::move(reading.ended_pinholes, std::back_inserter(closed_pinholes_));
}

bool MappingStore::put_back(const PortMapping& mapping, BootTime now) {
  const auto restored = mapper_.restore(mapping, now);
  if (!restored)
    base::log_notice("mapping " + to_string(mapping.key) + " of " +
                     mapping.client.address().to_string() +
                     " is not put back: " + restored.error());
  return restored.has_value();
}

bool MappingStore::put_back(const Pinhole& pinhole, BootTime now) {
  const auto restored = mapper_.restore(pinhole, now);
  if (!restored)
    base::log_notice("pinhole " + to_string(pinhole.key) + " is not put back: " + restored.error());
  return restored.has_value();
}

// One of them is impossible: what the kernel refuses is not there.
std::expected<void, NatError> MappingStore::put_in_one_by_one(BootTime now) {
  if (auto made = nat_->rewrite(RewriteOf::Nothing, surroundings_, {}, now); !made) return made;
  for (const NatChange& change : changes_from({})) {
    const auto committed = nat_->commit(std::span(&change, 1), now);
    if (committed) continue;
    base::log_error("the kernel refused: " + in_words(committed.error()));
    if (const auto* const added = std::get_if<AddMapping>(&change)) {
      mapper_.forget(added->mapping.key);
      closed_.push_back(added->mapping);
    }
    if (const auto* const opened = std::get_if<OpenPinhole>(&change)) {
      mapper_.forget(opened->pinhole.key);
      closed_pinholes_.push_back(opened->pinhole);
    }
  }
  return {};
}

}  // namespace upnpd::gateway
