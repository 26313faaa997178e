#include "mapper.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <set>

#include "kernel_time.h"

namespace upnpd::core {
namespace {

// Of leases: no value is permanent.
bool is_same_end(const std::optional<BootTime>& a, const std::optional<BootTime>& b) {
  return a && b ? is_same_time(*a, *b) : a.has_value() == b.has_value();
}

bool is_same_element(const PortMapping& wanted, const PortMapping& held) {
  return wanted.enabled && wanted.id == held.id && wanted.client == held.client &&
         wanted.internal_port == held.internal_port && is_same_end(wanted.expires, held.expires);
}

}  // namespace

Outcome refused(const RequestHead& head, UpnpError error, std::string reason) {
  Outcome outcome;
  outcome.reply = Refused{head.id, error};
  outcome.reason = std::move(reason);
  return outcome;
}

Outcome refused(const RequestHead& head, const Refusal& refusal) {
  return refused(head, refusal.error, refusal.reason);
}

std::optional<PortMapping> closed_by(const MappingEvent& event) {
  switch (event.kind) {
    case MappingEvent::Kind::Added: return std::nullopt;
    case MappingEvent::Kind::Replaced: {
      const bool same_place = event.before->internal_port == event.mapping.internal_port &&
                              event.before->client == event.mapping.client && event.mapping.enabled;
      return same_place ? std::nullopt : event.before;
    }
    case MappingEvent::Kind::Deleted:
    case MappingEvent::Kind::Expired: return event.mapping;
  }
  return std::nullopt;
}

bool opens(const MappingEvent& event) {
  switch (event.kind) {
    case MappingEvent::Kind::Added: return event.mapping.enabled;
    case MappingEvent::Kind::Replaced:
      return event.mapping.enabled && (!event.before->enabled || closed_by(event));
    case MappingEvent::Kind::Deleted:
    case MappingEvent::Kind::Expired: return false;
  }
  return false;
}

Outcome Mapper::handle(const ServiceRequest& request, BootTime now) {
  const RequestHead& head = head_of(request);
  if (buckets_.take(asker_of(head), now)) return decide(request, now);
  Outcome outcome = refused(
      head, UpnpError::ActionFailed,
      "more than " + std::to_string(policy_.limits.requests_per_second) + " requests a second");
  outcome.over_rate = true;
  return outcome;
}

Outcome Mapper::handle_again(const ServiceRequest& request, const Outcome& before, BootTime now) {
  return before.over_rate ? before : decide(request, now);
}

Outcome Mapper::decide(const ServiceRequest& request, BootTime now) {
  return std::visit([&](const auto& r) { return handle_one(r, now); }, request);
}

Asker Mapper::asker_of(const RequestHead& head) const {
  if (const auto own = ipv4_addresses_of_caller(head, surroundings_); !own.empty())
    return own.front();
  if (const auto host = surroundings_.neighbours.find(head.lan, head.caller)) return *host;
  return std::get<Ipv6Address>(head.caller);
}

Outcome Mapper::handle_one(const AddPortMapping& request, BootTime now) {
  return handle_add(request.head, request.arguments, false, now);
}

Outcome Mapper::handle_one(const AddAnyPortMapping& request, BootTime now) {
  return handle_add(request.head, request.arguments, true, now);
}

Outcome Mapper::handle_add(const RequestHead& head, const PortMappingArguments& arguments,
                           bool any_port, BootTime now) {
  const auto wanted = judge_arguments(head, arguments, policy_, surroundings_);
  if (!wanted) return refused(head, wanted.error());
  const auto key = place(*wanted, head, any_port);
  if (!key) return refused(head, key.error());

  const PortMapping* const old = table_.find(*key);
  const auto expires =
      wanted->lease.is_permanent() ? std::nullopt : std::optional(now + wanted->lease.seconds());
  // What is asked for over IPv6 belongs to the IPv4 address it leads to.
  const auto* const caller = std::get_if<Ipv4Address>(&head.caller);
  Outcome outcome;
  put({.key = *key,
       .client = wanted->client,
       .internal_port = wanted->internal_port,
       .enabled = wanted->enabled,
       .description = wanted->description,
       .expires = expires,
       .id = old != nullptr ? old->id : next_id_++,
       .lan = head.lan,
       .owner = caller == nullptr ? wanted->client.address() : *caller,
       .host = surroundings_.neighbours.find(head.lan, wanted->client.address())
                   .value_or(MacAddress{})},
      outcome);
  outcome.reply = any_port ? Reply(Reserved{head.id, key->external_port}) : Reply(Done{head.id});
  return outcome;
}

std::expected<PortMappingKey, Refusal> Mapper::place(const WantedMapping& wanted,
                                                     const RequestHead& head, bool any_port) const {
  const auto verdict = permits(policy_, wanted.key.external_port, wanted.client,
                               wanted.internal_port, wanted.description);
  if (!verdict && !any_port)
    return std::unexpected(Refusal{UpnpError::ActionNotAuthorized, verdict.error()});
  if (const auto quota = check_quota(wanted, head.lan, head.version); !quota)
    return std::unexpected(quota.error());

  const PortMapping* const conflict =
      table_.find_conflict(wanted.key.protocol, wanted.key.external_port, wanted.client);
  const auto in_use = check_port_in_use(wanted, head.version);
  if (conflict == nullptr && verdict && in_use) return wanted.key;
  if (!any_port && conflict != nullptr)
    return std::unexpected(
        Refusal{UpnpError::ConflictInMappingEntry,
                "the port is mapped to " + conflict->client.address().to_string()});
  if (!any_port) return std::unexpected(in_use.error());
  const ExternalPortVerdicts verdicts(policy_, wanted.client, wanted.internal_port,
                                      wanted.description);
  const auto is_free = [&](ExternalPort p) {
    return verdicts.allows(p) &&
           ports_in_use_.by(wanted.key.protocol, p) == PortsInUse::By::Nothing;
  };
  const auto port = verdicts.allows_any()
                        ? table_.free_port(wanted.key.protocol, wanted.key.external_port, is_free)
                        : std::nullopt;
  if (!port)
    return std::unexpected(verdict
                               ? Refusal{UpnpError::NoPortMapsAvailable, "no external port is free"}
                               : Refusal{UpnpError::ActionNotAuthorized, verdict.error()});
  return PortMappingKey{wanted.key.remote_host, *port, wanted.key.protocol};
}

std::expected<void, Refusal> Mapper::check_port_in_use(const WantedMapping& wanted,
                                                       IgdVersion version) const {
  // Who has the port already keeps it: a program of the router may have taken it for a moment.
  if (table_.find(wanted.key) != nullptr) return {};
  const auto error = version == IgdVersion::v1 ? UpnpError::ConflictInMappingEntry
                                               : UpnpError::ConflictWithOtherMechanisms;
  switch (ports_in_use_.by(wanted.key.protocol, wanted.key.external_port)) {
    case PortsInUse::By::Nothing: break;
    case PortsInUse::By::Listener:
      return std::unexpected(Refusal{error, "a program of the router listens on the port"});
    case PortsInUse::By::StaticRedirect:
      return std::unexpected(Refusal{error, "a static redirect has the port"});
  }
  return {};
}

std::expected<void, Refusal> Mapper::check_quota(const WantedMapping& wanted, LanIndex lan,
                                                 IgdVersion version) const {
  const PortMapping* const old = table_.find(wanted.key);
  if (old != nullptr && old->client == wanted.client) return {};  // takes its own place
  const auto error =
      version == IgdVersion::v1 ? UpnpError::ActionFailed : UpnpError::NoPortMapsAvailable;
  if (table_.size() + pinholes_.size() >= policy_.limits.mappings)
    return std::unexpected(
        Refusal{error, "max_mappings " + std::to_string(policy_.limits.mappings) + " is reached"});
  const std::array client{wanted.client.address()};
  const auto host = surroundings_.neighbours.find(lan, client.front());
  if (host) return check_quota_of({lan, *host}, client, error);
  if (table_.size_of(client.front()) >= policy_.limits.mappings_per_host)
    return std::unexpected(Refusal{error, "max_mappings_per_host " +
                                              std::to_string(policy_.limits.mappings_per_host) +
                                              " is reached"});
  return {};
}

std::expected<void, Refusal> Mapper::check_quota_of(const LanHost& host,
                                                    std::span<const Ipv4Address> clients,
                                                    UpnpError error) const {
  if (table_.size_of(clients, host) + pinholes_.size_of(host) < policy_.limits.mappings_per_host)
    return {};
  return std::unexpected(
      Refusal{error, "max_mappings_per_host " + std::to_string(policy_.limits.mappings_per_host) +
                         " is reached by the addresses of " + to_string(host.mac)});
}

Outcome Mapper::tick(BootTime now) {
  Outcome outcome;
  while (const PortMapping* const first = table_.first_to_expire()) {
    if (!has_expired(*first, now)) break;
    erase(*first, MappingEvent::Kind::Expired, outcome);
  }
  end_pinholes(now, outcome);
  return outcome;
}

std::optional<BootTime> Mapper::next_deadline() const {
  const PortMapping* const first = table_.first_to_expire();
  const Pinhole* const pinhole = pinholes_.first_to_expire();
  if (pinhole == nullptr) return first == nullptr ? std::nullopt : first->expires;
  return first == nullptr ? pinhole->expires : std::min(*first->expires, pinhole->expires);
}

Outcome Mapper::remove(MappingId id) {
  Outcome outcome;
  if (const PortMapping* const mapping = table_.find(id))
    erase(*mapping, MappingEvent::Kind::Deleted, outcome);
  return outcome;
}

Outcome Mapper::remove_of(Ipv4Address client,
                          const std::function<bool(const PortMapping&)>& which) {
  std::vector<PortMapping> picked;
  for (std::size_t i = 0; const PortMapping* const mapping = table_.at(i, client); ++i)
    if (which(*mapping)) picked.push_back(*mapping);
  Outcome outcome;
  if (!picked.empty()) erase_together(picked, outcome);
  return outcome;
}

std::expected<void, std::string> Mapper::restore(PortMapping mapping, BootTime now) {
  reserve_ids_up_to(mapping.id);
  if (has_expired(mapping, now)) return std::unexpected("its lease has ended");
  if (auto tolerated = tolerates(mapping); !tolerated) return tolerated;
  const std::chrono::seconds longest = policy_.limits.lease;
  if (longest.count() != 0)
    mapping.expires = std::min(mapping.expires.value_or(BootTime::max()), now + longest);
  table_.put(mapping);
  return {};
}

void Mapper::forget(const PortMappingKey& key) {
  table_.erase(key);
}

void Mapper::reserve_ids_up_to(MappingId last) {
  next_id_ = std::max(next_id_, last + 1);
}

std::vector<NatChange> Mapper::reconcile(std::span<const PortMapping> held) const {
  std::vector<NatChange> changes;
  changes.reserve(table_.size());
  std::set<PortMappingKey> right;
  for (const PortMapping& element : held) {
    const PortMapping* const wanted = table_.find(element.key);
    if (wanted != nullptr && is_same_element(*wanted, element))
      right.insert(right.end(), element.key);
    else
      changes.emplace_back(RemoveMapping{element});
  }
  table_.for_each([&](const PortMapping& mapping) {
    if (mapping.enabled && !right.contains(mapping.key)) changes.emplace_back(AddMapping{mapping});
  });
  return changes;
}

std::vector<NatChange> Mapper::outward_mappings() const {
  std::vector<NatChange> changes;
  changes.reserve(table_.size());
  table_.for_each_outward(
      [&](const OutwardMapping& outward) { changes.emplace_back(AddOutward{outward}); });
  return changes;
}

void Mapper::confirm() {
  undo_.clear();
  pinhole_undo_.clear();
  confirmed_update_id_ = system_update_id_;
}

void Mapper::revert() {
  for (const Undo& undo : undo_ | std::views::reverse) {
    if (undo.before)
      table_.put(*undo.before);
    else
      table_.erase(undo.key);
  }
  undo_.clear();
  revert_pinholes();
  system_update_id_ = confirmed_update_id_;
}

void Mapper::put(PortMapping mapping, Outcome& outcome) {
  const PortMapping* const found = table_.find(mapping.key);
  const std::optional<PortMapping> old = found == nullptr ? std::nullopt : std::optional(*found);
  const Endpoint new_endpoint = endpoint_of(mapping);
  const Endpoint old_endpoint = old ? endpoint_of(*old) : new_endpoint;
  const auto old_before = table_.outward(old_endpoint);
  const auto new_before = table_.outward(new_endpoint);

  undo_.push_back({mapping.key, old});
  table_.put(mapping);
  ++system_update_id_;

  if (old && old->enabled) outcome.changes.emplace_back(RemoveMapping{*old});
  if (mapping.enabled) outcome.changes.emplace_back(AddMapping{mapping});
  if (old_endpoint != new_endpoint)
    change_outward(old_before, table_.outward(old_endpoint), outcome);
  change_outward(new_before, table_.outward(new_endpoint), outcome);
  outcome.events.push_back(
      {old ? MappingEvent::Kind::Replaced : MappingEvent::Kind::Added, std::move(mapping), old});
}

void Mapper::erase(PortMapping mapping, MappingEvent::Kind kind, Outcome& outcome) {
  const auto before = table_.outward(endpoint_of(mapping));
  undo_.push_back({mapping.key, mapping});
  table_.erase(mapping.key);
  ++system_update_id_;
  if (mapping.enabled) outcome.changes.emplace_back(RemoveMapping{mapping});
  change_outward(before, table_.outward(endpoint_of(mapping)), outcome);
  outcome.events.push_back({kind, std::move(mapping), std::nullopt});
}

void Mapper::change_outward(const std::optional<OutwardMapping>& before,
                            const std::optional<OutwardMapping>& after, Outcome& outcome) const {
  if (before == after) return;
  if (before) outcome.changes.emplace_back(RemoveOutward{*before});
  if (after) outcome.changes.emplace_back(AddOutward{*after});
}

}  // namespace upnpd::core
