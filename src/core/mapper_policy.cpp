// What becomes of the entries when the policy changes.
#include "mapper.h"

namespace upnpd::core {

std::expected<void, std::string> Mapper::tolerates(const PortMapping& mapping) const {
  if (policy_.secure_mode && mapping.owner != mapping.client.address())
    return std::unexpected("secure_mode is yes, and " + mapping.owner.to_string() +
                           " asked for it");
  return permits(policy_, mapping.key.external_port, mapping.client, mapping.internal_port,
                 mapping.description);
}

std::expected<void, std::string> Mapper::tolerates(const Pinhole& pinhole) const {
  if (!policy_.allow_pinholes) return std::unexpected("allow_pinholes is no");
  return permits(policy_, pinhole.key);
}

Outcome Mapper::set_policy(Policy policy) {
  policy_ = std::move(policy);
  buckets_ = TokenBuckets(policy_.limits.requests_per_second);
  Outcome outcome;
  std::vector<PortMapping> mappings;
  table_.for_each([&](const PortMapping& mapping) {
    if (!tolerates(mapping)) mappings.push_back(mapping);
  });
  for (PortMapping& mapping : mappings) {
    std::string reason = tolerates(mapping).error();
    erase(std::move(mapping), MappingEvent::Kind::Deleted, outcome);
    outcome.events.back().reason = std::move(reason);
  }
  std::vector<Pinhole> pinholes;
  pinholes_.for_each([&](const Pinhole& pinhole) {
    if (!tolerates(pinhole)) pinholes.push_back(pinhole);
  });
  for (const Pinhole& pinhole : pinholes) {
    erase(pinhole, PinholeEvent::Kind::Deleted, outcome);
    outcome.pinhole_events.back().reason = tolerates(pinhole).error();
  }
  return outcome;
}

}  // namespace upnpd::core
