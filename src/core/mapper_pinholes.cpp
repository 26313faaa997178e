// The mapper's decisions on pinholes.
#include <algorithm>
#include <ranges>
#include <set>

#include "kernel_time.h"
#include "mapper.h"

namespace upnpd::core {
namespace {

std::unexpected<Refusal> refuse(UpnpError error, std::string reason) {
  return std::unexpected(Refusal{error, std::move(reason)});
}

bool is_same_element(const Pinhole& wanted, const Pinhole& held) {
  return wanted.id == held.id && wanted.host == held.host &&
         is_same_time(wanted.expires, held.expires);
}

}  // namespace

bool closes(const PinholeEvent& event) {
  return event.kind == PinholeEvent::Kind::Deleted || event.kind == PinholeEvent::Kind::Expired;
}

Outcome Mapper::handle_one(const AddPinhole& request, BootTime now) {
  const RequestHead& head = request.head;
  const auto wanted = judge_pinhole(head, request.arguments, policy_, surroundings_);
  if (!wanted) return refused(head, wanted.error());
  const auto id = place(*wanted, head);
  if (!id) return refused(head, id.error());

  Outcome outcome;
  // The address has been another host's: what that one has opened is not this one's to renew.
  const Pinhole* const old = pinholes_.find(wanted->key);
  const bool is_renewal = old != nullptr && old->id == *id;
  if (old != nullptr && !is_renewal) erase(Pinhole(*old), PinholeEvent::Kind::Deleted, outcome);
  if (!is_renewal) next_unique_id_ = id->next();
  put({.key = wanted->key,
       .expires = now + wanted->lease.seconds(),
       .id = *id,
       .lan = head.lan,
       .owner = head.caller,
       .host = wanted->host},
      outcome);
  outcome.reply = PinholeAdded{head.id, *id};
  return outcome;
}

std::expected<UniqueId, Refusal> Mapper::place(const WantedPinhole& wanted,
                                               const RequestHead& head) const {
  if (const auto verdict = permits(policy_, wanted.key); !verdict)
    return refuse(UpnpError::ActionNotAuthorized, verdict.error());
  const Pinhole* const old = pinholes_.find(wanted.key);
  if (old != nullptr && old->host == wanted.host) return old->id;
  const Limits& limits = policy_.limits;
  if (table_.size() + pinholes_.size() >= limits.mappings)
    return refuse(UpnpError::PinholeSpaceExhausted,
                  "max_mappings " + std::to_string(limits.mappings) + " is reached");
  if (const auto quota =
          check_quota_of({head.lan, wanted.host}, ipv4_addresses_of_caller(head, surroundings_),
                         UpnpError::PinholeSpaceExhausted);
      !quota)
    return std::unexpected(quota.error());
  const auto id = pinholes_.free_id(next_unique_id_);
  if (!id) return refuse(UpnpError::PinholeSpaceExhausted, "no UniqueID is free");
  return *id;
}

std::expected<Pinhole, Refusal> Mapper::pinhole_for(const RequestHead& head,
                                                    std::uint16_t unique_id) const {
  if (const auto caller = judge_pinhole_caller(head, policy_, surroundings_); !caller)
    return std::unexpected(caller.error());
  const auto id = UniqueId::parse(unique_id);
  const Pinhole* const pinhole = id ? pinholes_.find(*id) : nullptr;
  if (pinhole == nullptr)
    return refuse(UpnpError::NoSuchEntry, "there is no pinhole " + std::to_string(unique_id));
  const bool own = is_host_of(pinhole->key.client.address(), head.lan, surroundings_) &&
                   surroundings_.neighbours.find(head.lan, head.caller) == pinhole->host;
  if (policy_.secure_mode && !own)
    return refuse(UpnpError::ActionNotAuthorized,
                  "the pinhole belongs to " + to_string(pinhole->host));
  return *pinhole;
}

Outcome Mapper::handle_one(const UpdatePinhole& request, BootTime now) {
  auto pinhole = pinhole_for(request.head, request.unique_id);
  if (!pinhole) return refused(request.head, pinhole.error());
  const auto lease = judge_lease_time(request.new_lease_time, policy_);
  if (!lease) return refused(request.head, lease.error());
  Outcome outcome;
  pinhole->expires = now + lease->seconds();
  put(*pinhole, outcome);
  outcome.reply = Done{request.head.id};
  return outcome;
}

Outcome Mapper::handle_one(const DeletePinhole& request, BootTime) {
  const auto pinhole = pinhole_for(request.head, request.unique_id);
  if (!pinhole) return refused(request.head, pinhole.error());
  Outcome outcome;
  erase(*pinhole, PinholeEvent::Kind::Deleted, outcome);
  outcome.reply = Done{request.head.id};
  return outcome;
}

Outcome Mapper::handle_one(const GetPinholePackets& request, BootTime) {
  const auto pinhole = pinhole_for(request.head, request.unique_id);
  return pinhole ? Outcome{} : refused(request.head, pinhole.error());
}

Outcome Mapper::handle_one(const CheckPinholeWorking& request, BootTime) {
  const auto pinhole = pinhole_for(request.head, request.unique_id);
  return pinhole ? Outcome{} : refused(request.head, pinhole.error());
}

Outcome Mapper::handle_one(const GetOutboundPinholeTimeout& request, BootTime) {
  const auto protocol = judge_pinhole_protocol(request.protocol);
  return protocol ? Outcome{} : refused(request.head, protocol.error());
}

void Mapper::end_pinholes(BootTime now, Outcome& outcome) {
  while (const Pinhole* const first = pinholes_.first_to_expire()) {
    if (!has_expired(*first, now)) break;
    erase(Pinhole(*first), PinholeEvent::Kind::Expired, outcome);
  }
}

Outcome Mapper::remove(UniqueId id) {
  Outcome outcome;
  if (const Pinhole* const pinhole = pinholes_.find(id))
    erase(Pinhole(*pinhole), PinholeEvent::Kind::Deleted, outcome);
  return outcome;
}

std::expected<void, std::string> Mapper::restore(Pinhole pinhole, BootTime now) {
  next_unique_id_ = std::max(next_unique_id_, pinhole.id.next());
  if (has_expired(pinhole, now)) return std::unexpected("its lease has ended");
  if (auto tolerated = tolerates(pinhole); !tolerated) return tolerated;
  if (pinholes_.find(pinhole.id) != nullptr || pinholes_.find(pinhole.key) != nullptr)
    return std::unexpected("another has its id or its values");
  const std::chrono::seconds longest = policy_.limits.lease;
  if (longest.count() != 0) pinhole.expires = std::min(pinhole.expires, now + longest);
  pinholes_.put(pinhole);
  return {};
}

void Mapper::forget(const PinholeKey& key) {
  pinholes_.erase(key);
}

std::vector<NatChange> Mapper::reconcile(std::span<const Pinhole> held) const {
  std::vector<NatChange> changes;
  std::set<PinholeKey> right;
  for (const Pinhole& element : held) {
    const Pinhole* const wanted = pinholes_.find(element.key);
    if (wanted != nullptr && is_same_element(*wanted, element))
      right.insert(element.key);
    else
      changes.emplace_back(ClosePinhole{element});
  }
  pinholes_.for_each([&](const Pinhole& pinhole) {
    if (!right.contains(pinhole.key)) changes.emplace_back(OpenPinhole{pinhole});
  });
  return changes;
}

void Mapper::put(const Pinhole& pinhole, Outcome& outcome) {
  const Pinhole* const found = pinholes_.find(pinhole.key);
  const std::optional<Pinhole> old = found == nullptr ? std::nullopt : std::optional(*found);
  pinhole_undo_.push_back({pinhole.key, old});
  pinholes_.put(pinhole);
  if (old) outcome.changes.emplace_back(ClosePinhole{*old});
  outcome.changes.emplace_back(OpenPinhole{pinhole});
  outcome.pinhole_events.push_back(
      {old ? PinholeEvent::Kind::Renewed : PinholeEvent::Kind::Added, pinhole});
}

void Mapper::erase(const Pinhole& pinhole, PinholeEvent::Kind kind, Outcome& outcome) {
  pinhole_undo_.push_back({pinhole.key, pinhole});
  pinholes_.erase(pinhole.key);
  outcome.changes.emplace_back(ClosePinhole{pinhole});
  outcome.pinhole_events.push_back({kind, pinhole});
}

void Mapper::revert_pinholes() {
  for (const PinholeUndo& undo : pinhole_undo_ | std::views::reverse) {
    if (undo.before)
      pinholes_.put(*undo.before);
    else
      pinholes_.erase(undo.key);
  }
  pinhole_undo_.clear();
}

}  // namespace upnpd::core
