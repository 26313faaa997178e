#include "entry_walks.h"

#include <algorithm>
#include <utility>

namespace upnpd::igd {

std::vector<EntryWalks::Walk>::iterator EntryWalks::walk_of(const RequestHead& head) {
  return std::ranges::find_if(
      walks_, [&](const Walk& walk) { return walk.lan == head.lan && walk.caller == head.caller; });
}

std::optional<Reply> EntryWalks::answer(ServiceRequest& request, BootTime now) {
  auto* const generic = std::get_if<GetGenericPortMappingEntry>(&request);
  if (generic == nullptr) return std::nullopt;
  const auto walk = walk_of(generic->head);
  if (walk == walks_.end() || walk->next != generic->index) return std::nullopt;
  if (walk->entries.empty() || walk->good_until <= now) {
    generic->following = kFollowing;
    return std::nullopt;
  }
  Entry entry = std::move(walk->entries.back());
  walk->entries.pop_back();
  ++walk->next;
  return entry;
}

std::optional<Reply> EntryWalks::take(const ServiceRequest& request, const Reply& reply,
                                      BootTime now) {
  const auto* const generic = std::get_if<GetGenericPortMappingEntry>(&request);
  if (generic == nullptr) return std::nullopt;
  const auto* const list = std::get_if<EntryList>(&reply);
  const bool is_single = std::holds_alternative<Entry>(reply);
  if (const auto known = walk_of(generic->head); known != walks_.end()) walks_.erase(known);
  if (!is_single && (list == nullptr || list->entries.empty())) return std::nullopt;
  if (walks_.size() == kMost) walks_.erase(walks_.begin());
  Walk& walk =
      walks_.emplace_back(generic->head.lan, generic->head.caller,
                          std::uint32_t{generic->index} + 1, std::vector<Entry>(), now + kFresh);
  if (is_single) return std::nullopt;
  walk.entries.assign(list->entries.rbegin(), list->entries.rend() - 1);
  return list->entries.front();
}

void EntryWalks::forget_entries() {
  for (Walk& walk : walks_)
    walk.entries = {};
}

}  // namespace upnpd::igd
