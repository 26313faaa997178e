// What the router's owner permits: the permission lines of the configuration, first match wins, no
// match denies; and the limits. Every refusal carries its reason in words, for the log and for
// whoever asks why.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd::core {

// Ports from `first` to `last`, both included.
struct PortRange {
  std::uint16_t first;
  std::uint16_t last;
  bool contains(std::uint16_t port) const { return first <= port && port <= last; }
};

// A POSIX extended regular expression over descriptions, in any case of letters, as miniupnpd has
// it.
class DescriptionPattern {
 public:
  // No value when `expression` is not a regular expression.
  static std::optional<DescriptionPattern> compile(const std::string& expression);
  bool matches(const PortMappingDescription& description) const;

 private:
  struct Compiled;
  explicit DescriptionPattern(std::shared_ptr<const Compiled> compiled)
      : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

// The hosts a line speaks of: 0.0.0.0/0 is every host, by whichever address.
using ClientNetwork = std::variant<Ipv4Network, Ipv6Network>;

// One `allow` or `deny` line.
struct PermissionLine {
  enum class Verdict { Allow, Deny } verdict;
  PortRange external_ports;
  ClientNetwork clients;
  PortRange internal_ports;
  std::optional<DescriptionPattern> description;
  std::string where;  // "upnpd.conf:12", or "built-in rule"
};

struct Limits {
  std::uint32_t mappings = 8192;            // pinholes count as mappings
  std::uint32_t mappings_per_host = 1024;   // pinholes too
  std::uint32_t requests_per_second = 500;  // of one host; 0 = no limit
  std::chrono::seconds lease{0};            // the longest lease granted; 0 = as the standard has it
};

struct Policy {
  std::vector<PermissionLine> permissions;
  bool secure_mode = true;  // a client maps to itself alone, and sees its own mappings alone
  bool allow_pinholes = true;
  Limits limits;

  // The lines that hold when the configuration has none: high ports for everyone, nothing else.
  static std::vector<PermissionLine> usual_permissions();
};

// What the permission lines say of one client, internal port and description, for any external
// port: the lines are looked through once, the ports then cost nothing.
class ExternalPortVerdicts {
 public:
  ExternalPortVerdicts(const Policy& policy, InternalClient client, InternalPort internal_port,
                       const PortMappingDescription& description);
  bool allows(ExternalPort port) const;
  bool allows_any() const;

 private:
  struct Part {
    PortRange external_ports;
    PermissionLine::Verdict verdict;
  };
  std::vector<Part> parts_;  // first match wins
};

// Whether the permission lines let `client` have this mapping; if not, the reason.
std::expected<void, std::string> permits(const Policy& policy, ExternalPort external_port,
                                         InternalClient client, InternalPort internal_port,
                                         const PortMappingDescription& description);

// Whether they let a host have this pinhole: by the lines of IPv6 networks and of 0.0.0.0/0, its
// port standing for both ports of a line, its description empty. What allows everyone was written
// for NAT, where the ports below 1024 of a host are no use to the internet: it allows none of
// those; a line that names an IPv6 network may.
std::expected<void, std::string> permits(const Policy& policy, const PinholeKey& key);

}  // namespace upnpd::core
