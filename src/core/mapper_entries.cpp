// The actions on mappings that are there: looking at them and deleting them. What belongs to
// another host is neither shown nor touched.
#include <algorithm>

#include "mapper.h"

namespace upnpd::core {
namespace {

Outcome answer(Reply reply) {
  Outcome outcome;
  outcome.reply = std::move(reply);
  return outcome;
}

Entry entry_for(std::uint64_t id, const PortMapping& mapping, BootTime now) {
  return {id,
          mapping.key,
          mapping.client,
          mapping.internal_port,
          mapping.enabled,
          mapping.description,
          remaining_seconds(mapping, now)};
}

// An EntryList as long as a message may be.
class ListWriter {
 public:
  ListWriter(std::uint64_t id, BootTime now)
      : list_{.id = id, .entries = {}, .is_last = true}, now_(now) {}
  std::size_t size() const { return list_.entries.size(); }
  // False: it does not fit any more, and the list is not the last.
  bool add(const PortMapping& mapping) {
    bytes_ += EntryList::kEntryBytes + mapping.description.text().size();
    list_.is_last = bytes_ <= EntryList::kMaxBytes;
    if (list_.is_last) list_.entries.push_back(entry_for(list_.id, mapping, now_));
    return list_.is_last;
  }
  EntryList take() { return std::move(list_); }

 private:
  EntryList list_;
  BootTime now_;
  std::size_t bytes_ = 0;
};

Outcome no_such_mapping(const RequestHead& head) {
  return refused(head, UpnpError::NoSuchEntryInArray, "there is no such mapping");
}

Outcome belongs_to_another(const RequestHead& head, const PortMapping& mapping) {
  return refused(head, UpnpError::ActionNotAuthorized,
                 "the mapping belongs to " + mapping.client.address().to_string());
}

Outcome none_in_range(const RequestHead& head) {
  return refused(head, UpnpError::PortMappingNotFound, "the caller has no mapping in the range");
}

}  // namespace

bool Mapper::may_touch(const PortMapping& mapping, const RequestHead& head) const {
  if (!is_on_its_lan(head, surroundings_)) return false;
  const bool own =
      std::ranges::any_of(ipv4_addresses_of_caller(head, surroundings_), [&](Ipv4Address address) {
        return mapping.client.address() == address || mapping.owner == address;
      });
  return own ||
         (!policy_.secure_mode && lan_of_host(mapping.client.address(), surroundings_) == head.lan);
}

void Mapper::visit(const PortSpan& span, const RequestHead& head,
                   const MappingTable::Visit& visit) const {
  if (policy_.secure_mode)
    table_.visit(span, ipv4_addresses_of_caller(head, surroundings_), visit);
  else
    table_.visit(span, [&](const PortMapping& mapping) {
      return !may_touch(mapping, head) || visit(mapping);
    });
}

std::vector<const PortMapping*> Mapper::from(std::size_t index, std::size_t count,
                                             const RequestHead& head) const {
  std::vector<const PortMapping*> found;
  if (!is_on_its_lan(head, surroundings_)) return found;
  if (policy_.secure_mode) {
    for (const Ipv4Address own : ipv4_addresses_of_caller(head, surroundings_)) {
      const std::size_t size = table_.size_of(own);
      for (; index < size && found.size() < count; ++index)
        found.push_back(table_.at(index, own));
      index -= std::min(index, size);
    }
    return found;
  }
  // Of several LANs that trust their hosts each has an array of its own, which nothing indexes.
  const bool is_shared = surroundings_.lans.size() > 1;
  std::size_t place = is_shared ? 0 : index;
  std::size_t before = is_shared ? index : 0;
  for (; found.size() < count; ++place) {
    const PortMapping* const mapping = table_.at(place);
    if (mapping == nullptr) break;
    if (is_shared && !may_touch(*mapping, head)) continue;
    if (before == 0)
      found.push_back(mapping);
    else
      --before;
  }
  return found;
}

void Mapper::erase_together(const std::vector<PortMapping>& mappings, Outcome& outcome) {
  const std::uint32_t before = system_update_id_;
  for (const PortMapping& mapping : mappings)
    erase(mapping, MappingEvent::Kind::Deleted, outcome);
  system_update_id_ = before + 1;
}

Outcome Mapper::handle_one(const DeletePortMapping& request, BootTime) {
  const auto keys = judge_keys(request.remote_host, request.external_port, request.protocol);
  if (!keys) return refused(request.head, keys.error());
  std::vector<PortMapping> touchable;
  const PortMapping* anothers = nullptr;
  for (const PortMappingKey& key : *keys) {
    const PortMapping* const mapping = table_.find(key);
    if (mapping == nullptr) continue;
    if (may_touch(*mapping, request.head))
      touchable.push_back(*mapping);
    else
      anothers = mapping;
  }
  if (touchable.empty() && anothers != nullptr) return belongs_to_another(request.head, *anothers);
  if (touchable.empty()) return no_such_mapping(request.head);
  Outcome outcome = answer(Done{request.head.id});
  erase_together(touchable, outcome);
  return outcome;
}

Outcome Mapper::handle_one(const DeletePortMappingRange& request, BootTime) {
  const auto span = judge_range(request.head, request.range, surroundings_);
  if (!span) return refused(request.head, span.error());
  std::vector<PortMapping> touchable;
  visit(*span, request.head, [&](const PortMapping& mapping) {
    touchable.push_back(mapping);
    return true;
  });
  if (touchable.empty()) return none_in_range(request.head);
  Outcome outcome = answer(Done{request.head.id});
  erase_together(touchable, outcome);
  return outcome;
}

Outcome Mapper::handle_one(const GetListOfPortMappings& request, BootTime now) {
  auto span = judge_range(request.head, request.range, surroundings_);
  if (!span) return refused(request.head, span.error());
  if (request.after) span->first = std::max(span->first, request.after->external_port.number());
  ListWriter list(request.head.id, now);
  visit(*span, request.head, [&](const PortMapping& mapping) {
    // Of the port the part before ended with, some RemoteHosts may be left.
    if (request.after && mapping.key.external_port == request.after->external_port &&
        mapping.key.remote_host <= request.after->remote_host)
      return true;
    if (request.number_of_ports != 0 && list.size() == request.number_of_ports) return false;
    return list.add(mapping);
  });
  if (list.size() == 0 && !request.after) return none_in_range(request.head);
  return answer(list.take());
}

Outcome Mapper::handle_one(const GetSpecificPortMappingEntry& request, BootTime now) {
  const auto key = judge_key(request.remote_host, request.external_port, request.protocol);
  if (!key) return refused(request.head, key.error());
  const PortMapping* const mapping = table_.find(*key);
  if (mapping == nullptr) return no_such_mapping(request.head);
  if (!may_touch(*mapping, request.head)) return belongs_to_another(request.head, *mapping);
  return answer(entry_for(request.head.id, *mapping, now));
}

Outcome Mapper::handle_one(const GetGenericPortMappingEntry& request, BootTime now) {
  constexpr std::size_t kMost = EntryList::kMaxBytes / EntryList::kEntryBytes;
  const auto mappings =
      from(request.index, std::min(std::size_t{1} + request.following, kMost), request.head);
  if (mappings.empty())
    return refused(request.head, UpnpError::SpecifiedArrayIndexInvalid, "the list is shorter");
  if (request.following == 0) return answer(entry_for(request.head.id, *mappings.front(), now));
  ListWriter list(request.head.id, now);
  for (const PortMapping* const mapping : mappings)
    if (!list.add(*mapping)) break;
  return answer(list.take());
}

Outcome Mapper::handle_one(const GetLinkTotals&, BootTime) {
  return {};
}

}  // namespace upnpd::core
