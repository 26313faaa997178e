// The gateway's decisions: handle(request, now) -> outcome, tick(now) -> outcome, next_deadline().
// It has no clock, no descriptor and no log. A mapping is in the table at once, so that the next
// request of a batch sees it; the kernel comes after. Until the kernel has acknowledged the
// outcome's changes, revert() undoes everything since the last confirm().
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mapping_table.h"
#include "pinhole_rules.h"
#include "pinhole_table.h"
#include "policy.h"
#include "request_rules.h"
#include "token_buckets.h"
#include "upnpd/messages.h"
#include "upnpd/nat.h"
#include "upnpd/ports_in_use.h"

namespace upnpd::core {

// What happened to a mapping: a line in the log and in the journal.
struct MappingEvent {
  enum class Kind { Added, Replaced, Deleted, Expired } kind;
  PortMapping mapping;
  std::optional<PortMapping> before;  // of Replaced: what the mapping was
  std::string reason = {};            // of Deleted: why, when nobody asked for it
};

// The mapping whose flows have lost their way by `event`, if any: one that is gone, is disabled, or
// leads to another place now.
std::optional<PortMapping> closed_by(const MappingEvent& event);
// Whether what comes to its external port is led to its client only since `event`.
bool opens(const MappingEvent& event);

// What happened to a pinhole.
struct PinholeEvent {
  enum class Kind { Added, Renewed, Deleted, Expired } kind;
  Pinhole pinhole;
  std::string reason = {};  // of Deleted: why, when nobody asked for it
};

// Whether the flows that came in through it have lost their way by `event`.
bool closes(const PinholeEvent& event);

struct Outcome {
  std::vector<NatChange> changes;    // to be committed, in this order, before the reply goes out
  std::vector<MappingEvent> events;  // true once the changes are committed
  std::vector<PinholeEvent> pinhole_events;  // likewise
  bool has_events() const { return !events.empty() || !pinhole_events.empty(); }
  // None for tick(), and where only the kernel knows the answer: GetLinkTotals,
  // GetOutboundPinholeTimeout, and, when the caller may ask, GetPinholePackets and
  // CheckPinholeWorking.
  std::optional<Reply> reply;
  std::optional<std::string> reason;  // why the request was refused
  bool over_rate = false;             // it was refused because its caller asks too often
};

// An outcome that is a refusal and nothing else.
Outcome refused(const RequestHead& head, UpnpError error, std::string reason);
Outcome refused(const RequestHead& head, const Refusal& refusal);

class Mapper {
 public:
  explicit Mapper(Policy policy)
      : policy_(std::move(policy)), buckets_(policy_.limits.requests_per_second) {}

  const MappingTable& table() const { return table_; }
  const PinholeTable& pinholes() const { return pinholes_; }
  const Policy& policy() const { return policy_; }
  // SystemUpdateID of WANIPConnection:2 section 2.3.25.
  std::uint32_t system_update_id() const { return system_update_id_; }

  const Surroundings& surroundings() const { return surroundings_; }
  void set_surroundings(Surroundings surroundings) { surroundings_ = std::move(surroundings); }
  // Who is who: as fresh as a request about a pinhole needs it.
  void set_neighbours(Neighbours neighbours) { surroundings_.neighbours = std::move(neighbours); }
  // What else than mappings serves external ports, as of now.
  void set_ports_in_use(const PortsInUse& ports) { ports_in_use_ = ports; }

  // Decides on a request. Call tick(now) first: entries whose lease is over are still entries.
  Outcome handle(const ServiceRequest& request, BootTime now);
  // Decides once more, after revert(), on a request that came to `before`. It counts once against
  // its caller's rate.
  Outcome handle_again(const ServiceRequest& request, const Outcome& before, BootTime now);
  // Ends the leases that are over at `now`.
  Outcome tick(BootTime now);
  // When tick() has something to do next.
  std::optional<BootTime> next_deadline() const;
  // Deletes the mapping of this id, whoever owns it. No reply; no event when there is none.
  Outcome remove(MappingId id);
  Outcome remove(UniqueId id);
  // Deletes the mappings to `client` that `which` picks. No reply.
  Outcome remove_of(Ipv4Address client, const std::function<bool(const PortMapping&)>& which);
  // From now on `policy` holds. Deletes what it forbids, each event with the reason. What it would
  // grant a shorter lease keeps the one it has; what is over a quota stays, and counts.
  Outcome set_policy(Policy policy);

  // Puts back into the table a mapping that was there before a restart; reconcile() then tells what
  // the kernel lacks. The reason, if policy does not permit it any more. Its lease is cut to the
  // longest one that policy grants.
  std::expected<void, std::string> restore(PortMapping mapping, BootTime now);
  // Likewise a pinhole. One whose id or five values another has already is not put back.
  std::expected<void, std::string> restore(Pinhole pinhole, BootTime now);
  // Takes a mapping out of the table that the kernel could not be given.
  void forget(const PortMappingKey& key);
  void forget(const PinholeKey& key);
  // What makes the kernel, which holds these now, hold what the table says; without outward
  // mappings.
  std::vector<NatChange> reconcile(std::span<const PortMapping> held) const;
  std::vector<NatChange> reconcile(std::span<const Pinhole> held) const;
  // Adds every outward mapping: what the kernel lacks after a rewrite.
  std::vector<NatChange> outward_mappings() const;
  // The first id not yet given away; ids only grow.
  MappingId next_id() const { return next_id_; }
  void reserve_ids_up_to(MappingId last);

  // The kernel has acknowledged all outcomes so far.
  void confirm();
  // The kernel has refused: the table is again what it was at the last confirm().
  void revert();

 private:
  struct Undo {
    PortMappingKey key;
    std::optional<PortMapping> before;
  };
  struct PinholeUndo {
    PinholeKey key;
    std::optional<Pinhole> before;
  };

  Outcome decide(const ServiceRequest& request, BootTime now);
  Outcome handle_add(const RequestHead& head, const PortMappingArguments& arguments, bool any_port,
                     BootTime now);
  Outcome handle_one(const AddPortMapping& request, BootTime now);
  Outcome handle_one(const AddAnyPortMapping& request, BootTime now);
  Outcome handle_one(const DeletePortMapping& request, BootTime now);
  Outcome handle_one(const GetSpecificPortMappingEntry& request, BootTime now);
  Outcome handle_one(const GetGenericPortMappingEntry& request, BootTime now);
  Outcome handle_one(const DeletePortMappingRange& request, BootTime now);
  Outcome handle_one(const GetListOfPortMappings& request, BootTime now);
  Outcome handle_one(const GetLinkTotals& request, BootTime now);

  // ---- pinholes (mapper_pinholes.cpp) ----
  Outcome handle_one(const AddPinhole& request, BootTime now);
  Outcome handle_one(const UpdatePinhole& request, BootTime now);
  Outcome handle_one(const DeletePinhole& request, BootTime now);
  Outcome handle_one(const GetPinholePackets& request, BootTime now);
  Outcome handle_one(const CheckPinholeWorking& request, BootTime now);
  Outcome handle_one(const GetOutboundPinholeTimeout& request, BootTime now);
  std::expected<UniqueId, Refusal> place(const WantedPinhole& wanted,
                                         const RequestHead& head) const;
  // The pinhole of this id, where the caller may touch it.
  std::expected<Pinhole, Refusal> pinhole_for(const RequestHead& head,
                                              std::uint16_t unique_id) const;
  void put(const Pinhole& pinhole, Outcome& outcome);
  void erase(const Pinhole& pinhole, PinholeEvent::Kind kind, Outcome& outcome);
  void end_pinholes(BootTime now, Outcome& outcome);
  void revert_pinholes();

  // Whether policy lets an entry be there that is there already; if not, the reason.
  std::expected<void, std::string> tolerates(const PortMapping& mapping) const;
  std::expected<void, std::string> tolerates(const Pinhole& pinhole) const;

  // The rules that need the table: permission lines, quotas, conflicts.
  std::expected<PortMappingKey, Refusal> place(const WantedMapping& wanted, const RequestHead& head,
                                               bool any_port) const;
  std::expected<void, Refusal> check_quota(const WantedMapping& wanted, LanIndex lan,
                                           IgdVersion version) const;
  // The quota of this host, who has these addresses at least.
  std::expected<void, Refusal> check_quota_of(const LanHost& host,
                                              std::span<const Ipv4Address> clients,
                                              UpnpError error) const;
  std::expected<void, Refusal> check_port_in_use(const WantedMapping& wanted,
                                                 IgdVersion version) const;
  // What leads to another LAN is neither seen nor touched, whatever secure_mode says.
  bool may_touch(const PortMapping& mapping, const RequestHead& head) const;
  // Visits what of `span` the caller may see.
  void visit(const PortSpan& span, const RequestHead& head, const MappingTable::Visit& visit) const;
  // Of those the caller may see, the mappings from `index` on, at most `count`.
  std::vector<const PortMapping*> from(std::size_t index, std::size_t count,
                                       const RequestHead& head) const;
  // Who is charged for a request: over IPv6, the host by its IPv4 address if it has one.
  Asker asker_of(const RequestHead& head) const;

  // Changes the table and collects what the kernel must do.
  void put(PortMapping mapping, Outcome& outcome);
  void erase(PortMapping mapping, MappingEvent::Kind kind, Outcome& outcome);
  // One action, one change: SystemUpdateID grows by one.
  void erase_together(const std::vector<PortMapping>& mappings, Outcome& outcome);
  void change_outward(const std::optional<OutwardMapping>& before,
                      const std::optional<OutwardMapping>& after, Outcome& outcome) const;

  Policy policy_;
  Surroundings surroundings_;
  PortsInUse ports_in_use_;
  MappingTable table_;
  TokenBuckets buckets_;
  MappingId next_id_ = 1;
  std::uint32_t system_update_id_ = 0;
  std::vector<Undo> undo_;
  PinholeTable pinholes_;
  UniqueId next_unique_id_ = *UniqueId::parse(1);
  std::vector<PinholeUndo> pinhole_undo_;
  std::uint32_t confirmed_update_id_ = 0;
};

}  // namespace upnpd::core
