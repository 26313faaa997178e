#include "policy.h"

#include <regex.h>

namespace upnpd::core {

struct DescriptionPattern::Compiled {
  regex_t expression{};
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { ::regfree(&expression); }
};

namespace {

constexpr std::uint16_t kFirstHighPort = 1024;

bool speaks_of(const PermissionLine& line, Ipv4Address client) {
  const auto* const network = std::get_if<Ipv4Network>(&line.clients);
  return network != nullptr && network->contains(client);
}

bool speaks_of(const PermissionLine& line, const PinholeKey& key) {
  if (const auto* const network = std::get_if<Ipv6Network>(&line.clients))
    return network->contains(key.client.address());
  const bool everyone = std::get<Ipv4Network>(line.clients).prefix_length() == 0;
  return everyone && (line.verdict == PermissionLine::Verdict::Deny ||
                      key.internal_port.number() >= kFirstHighPort);
}

bool concerns(const PermissionLine& line, InternalClient client, InternalPort internal_port,
              const PortMappingDescription& description) {
  return speaks_of(line, client.address()) &&
         line.internal_ports.contains(internal_port.number()) &&
         (!line.description || line.description->matches(description));
}

}  // namespace

std::optional<DescriptionPattern> DescriptionPattern::compile(const std::string& expression) {
  // An empty regex_t must not be freed: compile into one that is owned only once it is whole.
  regex_t raw{};
  if (::regcomp(&raw, expression.c_str(), REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
    return std::nullopt;
  const auto compiled = std::make_shared<Compiled>();
  compiled->expression = raw;
  return DescriptionPattern(compiled);
}

bool DescriptionPattern::matches(const PortMappingDescription& description) const {
  return ::regexec(&compiled_->expression, description.text().c_str(), 0, nullptr, 0) == 0;
}

std::vector<PermissionLine> Policy::usual_permissions() {
  const auto everyone = *Ipv4Network::make(Ipv4Address::from_host_order(0), 0);
  return {{PermissionLine::Verdict::Allow,
           {1024, 65535},
           everyone,
           {1024, 65535},
           std::nullopt,
           "built-in rule"}};
}

ExternalPortVerdicts::ExternalPortVerdicts(const Policy& policy, InternalClient client,
                                           InternalPort internal_port,
                                           const PortMappingDescription& description) {
  for (const PermissionLine& line : policy.permissions)
    if (concerns(line, client, internal_port, description))
      parts_.push_back({line.external_ports, line.verdict});
}

bool ExternalPortVerdicts::allows(ExternalPort port) const {
  for (const Part& part : parts_)
    if (part.external_ports.contains(port.number()))
      return part.verdict == PermissionLine::Verdict::Allow;
  return false;
}

bool ExternalPortVerdicts::allows_any() const {
  for (const Part& part : parts_)
    if (part.verdict == PermissionLine::Verdict::Allow) return true;
  return false;
}

std::expected<void, std::string> permits(const Policy& policy, ExternalPort external_port,
                                         InternalClient client, InternalPort internal_port,
                                         const PortMappingDescription& description) {
  for (const PermissionLine& line : policy.permissions) {
    if (!line.external_ports.contains(external_port.number()) ||
        !concerns(line, client, internal_port, description))
      continue;
    if (line.verdict == PermissionLine::Verdict::Allow) return {};
    return std::unexpected("denied by " + line.where);
  }
  return std::unexpected(
      "no permission line allows external port " + std::to_string(external_port.number()) + " to " +
      client.address().to_string() + " port " + std::to_string(internal_port.number()));
}

std::expected<void, std::string> permits(const Policy& policy, const PinholeKey& key) {
  const auto no_description = PortMappingDescription::parse("");
  const std::uint16_t port = key.internal_port.number();
  for (const PermissionLine& line : policy.permissions) {
    if (!speaks_of(line, key) || !line.external_ports.contains(port) ||
        !line.internal_ports.contains(port))
      continue;
    if (line.description && !line.description->matches(*no_description)) continue;
    if (line.verdict == PermissionLine::Verdict::Allow) return {};
    return std::unexpected("denied by " + line.where);
  }
  return std::unexpected("no permission line allows a pinhole to " +
                         key.client.address().to_string() + " port " + std::to_string(port));
}

}  // namespace upnpd::core
