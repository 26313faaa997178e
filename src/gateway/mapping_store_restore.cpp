// Table, kernel and journal made to agree: at the start, and whenever the kernel turns out to hold
// something else than what it was given.
#include <algorithm>
#include <map>

#include "clock.h"
#include "log.h"
#include "mapping_store.h"

namespace upnpd::gateway {
namespace {

std::string in_words(const NatError& error) {
  return base::with_errno(error.what, error.error);
}

}  // namespace

// What the kernel holds of ours, read in one go.
struct MappingStore::KernelContents {
  std::vector<PortMapping> mappings;
  std::vector<OutwardMapping> outward;
  std::vector<Pinhole> pinholes;
};

std::expected<MappingStore::KernelContents, std::string> MappingStore::read_kernel(Nat& nat,
                                                                                   BootTime now) {
  auto mappings = nat.read_back(now);
  if (!mappings)
    return std::unexpected("the mappings cannot be read back: " + in_words(mappings.error()));
  auto outward = nat.read_back_outward(now);
  if (!outward)
    return std::unexpected("the outward mappings cannot be read back: " +
                           in_words(outward.error()));
  auto pinholes = nat.read_back_pinholes(now);
  if (!pinholes)
    return std::unexpected("the pinholes cannot be read back: " + in_words(pinholes.error()));
  return KernelContents{*std::move(mappings), *std::move(outward), *std::move(pinholes)};
}

std::expected<void, std::string> MappingStore::open() {
  const auto opened = nat_->open();
  if (!opened)
    return std::unexpected("table inet upnpd cannot be made: " + in_words(opened.error()) +
                           "; upnpd needs CAP_NET_ADMIN and a kernel with nf_tables NAT (5.7 or "
                           "later)");
  return restore(*opened);
}

std::expected<void, std::string> MappingStore::restore(TableOrigin origin) {
  const BootTime now = base::boot_now();
  const auto held = read_kernel(*nat_, now);
  // An empty answer and no answer are different things: the journal stays as it is.
  if (!held) return std::unexpected(held.error());

  Journal::Reading reading = journal_.read(now);
  for (const std::string& problem : reading.problems)
    base::log_warning(problem);
  mapper_.reserve_ids_up_to(reading.last_id);
  std::map<PortMappingKey, PortMapping> remembered;
  for (PortMapping& mapping : reading.mappings)
    remembered.insert_or_assign(mapping.key, std::move(mapping));

  for (PortMapping mapping : held->mappings) {
    if (mapping.id == 0) continue;  // not ours: somebody put it in by hand
    // The kernel is the truth; the journal knows what an element has no room for.
    const auto known = remembered.extract(mapping.key);
    if (known && known.mapped().client == mapping.client)
      mapping.description = known.mapped().description;
    put_back(std::move(mapping), now);
  }
  // An enabled mapping that a table of a former run does not hold has been closed.
  for (auto& [key, mapping] : remembered)
    if (origin == TableOrigin::Made || !mapping.enabled) put_back(std::move(mapping), now);
  for (const Pinhole& pinhole : held->pinholes)
    put_back(pinhole, now);
  if (origin == TableOrigin::Made)
    for (const Pinhole& pinhole : reading.pinholes)
      put_back(pinhole, now);
  reconcile(*held, now);

  journal_.rewrite(mapper_, now);
  if (!journal_.fault().empty()) base::log_warning(journal_.fault());
  plan_next_end();
  return {};
}

void MappingStore::put_back(PortMapping mapping, BootTime now) {
  const std::string name = to_string(mapping.key) + " of " + mapping.client.address().to_string();
  if (const auto restored = mapper_.restore(std::move(mapping), now); !restored)
    base::log_notice("mapping " + name + " is not put back: " + restored.error());
}

void MappingStore::put_back(const Pinhole& pinhole, BootTime now) {
  if (const auto restored = mapper_.restore(pinhole, now); !restored)
    base::log_notice("pinhole " + to_string(pinhole.key) + " is not put back: " + restored.error());
}

std::expected<void, std::string> MappingStore::reconcile() {
  const BootTime now = base::boot_now();
  const auto held = read_kernel(*nat_, now);
  if (!held) return std::unexpected(held.error());
  reconcile(*held, now);
  return {};
}

void MappingStore::reconcile(const KernelContents& held, BootTime now) {
  Nat& nat = *nat_;
  auto changes = mapper_.reconcile(held.mappings, held.outward);
  std::ranges::move(mapper_.reconcile(held.pinholes), std::back_inserter(changes));
  if (changes.empty() || nat.commit(changes, now)) return;

  // One of them is impossible: each for itself, and what the kernel refuses is not there.
  for (const NatChange& change : changes) {
    const auto committed = nat.commit(std::span(&change, 1), now);
    if (committed) continue;
    base::log_error("the kernel refused: " + in_words(committed.error()));
    if (const auto* const added = std::get_if<AddMapping>(&change))
      mapper_.forget(added->mapping.key);
    if (const auto* const opened = std::get_if<OpenPinhole>(&change))
      mapper_.forget(opened->pinhole.key);
  }
}

bool MappingStore::repair() {
  base::log_warning("table inet upnpd is not what it was: it is made again");
  if (const auto opened = nat_->open(); !opened) {
    base::log_error(in_words(opened.error()));
    return false;
  }
  set_surroundings(surroundings_);
  const auto reconciled = reconcile();
  if (!reconciled) base::log_error(reconciled.error());
  return reconciled.has_value();
}

}  // namespace upnpd::gateway
