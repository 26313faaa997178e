// The pinholes there are, in memory: found by their five values, by UniqueID and by when their
// lease ends, and counted by host, each in logarithmic time. It holds facts and takes no decision.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "lan_host.h"
#include "upnpd/pinhole.h"

namespace upnpd::core {

class PinholeTable {
 public:
  PinholeTable() = default;
  PinholeTable(const PinholeTable&) = delete;  // the indexes point into the entries
  PinholeTable& operator=(const PinholeTable&) = delete;
  PinholeTable(PinholeTable&&) = default;
  PinholeTable& operator=(PinholeTable&&) = default;

  std::size_t size() const { return entries_.size(); }
  // How many are this host's.
  std::size_t size_of(const LanHost& host) const;

  // A pointer is good until that entry is next put or erased.
  const Pinhole* find(const PinholeKey& key) const;
  const Pinhole* find(UniqueId id) const;
  // The first id from `start` on, going round, that no pinhole has.
  std::optional<UniqueId> free_id(UniqueId start) const;

  // Puts `pinhole` in, in the place of the one of the same key if there is one. No other has its
  // id.
  void put(const Pinhole& pinhole);
  void erase(const PinholeKey& key);

  // The pinhole whose lease ends first.
  const Pinhole* first_to_expire() const;
  void for_each(const std::function<void(const Pinhole&)>& function) const;

 private:
  void index(const Pinhole& pinhole);
  void unindex(const Pinhole& pinhole);

  std::map<PinholeKey, Pinhole> entries_;
  std::map<UniqueId, const Pinhole*> by_id_;
  std::set<std::pair<BootTime, UniqueId>> by_expiry_;
  std::map<LanHost, std::size_t> count_by_host_;
};

}  // namespace upnpd::core
