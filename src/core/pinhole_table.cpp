#include "pinhole_table.h"

namespace upnpd::core {

std::size_t PinholeTable::size_of(const LanHost& host) const {
  const auto found = count_by_host_.find(host);
  return found == count_by_host_.end() ? 0 : found->second;
}

const Pinhole* PinholeTable::find(const PinholeKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

const Pinhole* PinholeTable::find(UniqueId id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

std::optional<UniqueId> PinholeTable::free_id(UniqueId start) const {
  UniqueId id = start;
  for (auto taken = by_id_.lower_bound(id); taken != by_id_.end() && taken->first == id; ++taken) {
    if (id.next() < id) return by_id_.size() == 65535 ? std::nullopt : free_id(id.next());
    id = id.next();
  }
  return id;
}

void PinholeTable::put(const Pinhole& pinhole) {
  const auto [entry, is_new] = entries_.try_emplace(pinhole.key, pinhole);
  if (!is_new) {
    unindex(entry->second);
    entry->second = pinhole;
  }
  index(entry->second);
}

void PinholeTable::erase(const PinholeKey& key) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  unindex(entry->second);
  entries_.erase(entry);
}

void PinholeTable::index(const Pinhole& pinhole) {
  by_id_.emplace(pinhole.id, &pinhole);
  by_expiry_.emplace(pinhole.expires, pinhole.id);
  ++count_by_host_[host_of(pinhole)];
}

void PinholeTable::unindex(const Pinhole& pinhole) {
  by_id_.erase(pinhole.id);
  by_expiry_.erase({pinhole.expires, pinhole.id});
  const auto count = count_by_host_.find(host_of(pinhole));
  if (--count->second == 0) count_by_host_.erase(count);
}

const Pinhole* PinholeTable::first_to_expire() const {
  return by_expiry_.empty() ? nullptr : find(by_expiry_.begin()->second);
}

void PinholeTable::for_each(const std::function<void(const Pinhole&)>& function) const {
  for (const auto& [key, pinhole] : entries_)
    function(pinhole);
}

}  // namespace upnpd::core
