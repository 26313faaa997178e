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

const PortMapping* Mapper::at(std::size_t index, const RequestHead& head) const {
  if (!is_on_its_lan(head, surroundings_)) return nullptr;
  if (policy_.secure_mode) {
    for (const Ipv4Address own : ipv4_addresses_of_caller(head, surroundings_)) {
      const std::size_t size = table_.size_of(own);
      if (index < size) return table_.at(index, own);
      index -= size;
    }
    return nullptr;
  }
  if (surroundings_.lans.size() == 1) return table_.at(index);
  // Of several LANs that trust their hosts each has an array of its own, which nothing indexes.
  for (std::size_t place = 0; const PortMapping* const mapping = table_.at(place); ++place)
    if (may_touch(*mapping, head) && index-- == 0) return mapping;
  return nullptr;
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
  EntryList list{.id = request.head.id, .entries = {}, .is_last = true};
  std::size_t bytes = 0;
  visit(*span, request.head, [&](const PortMapping& mapping) {
    // Of the port the part before ended with, some RemoteHosts may be left.
    if (request.after && mapping.key.external_port == request.after->external_port &&
        mapping.key.remote_host <= request.after->remote_host)
      return true;
    if (request.number_of_ports != 0 && list.entries.size() == request.number_of_ports)
      return false;
    bytes += EntryList::kEntryBytes + mapping.description.text().size();
    list.is_last = bytes <= EntryList::kMaxBytes;
    if (list.is_last) list.entries.push_back(entry_for(request.head.id, mapping, now));
    return list.is_last;
  });
  if (list.entries.empty() && !request.after) return none_in_range(request.head);
  return answer(std::move(list));
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
  const PortMapping* const mapping = at(request.index, request.head);
  if (mapping == nullptr)
    return refused(request.head, UpnpError::SpecifiedArrayIndexInvalid, "the list is shorter");
  return answer(entry_for(request.head.id, *mapping, now));
}

Outcome Mapper::handle_one(const GetLinkTotals&, BootTime) {
  return {};
}

}  // namespace upnpd::core
