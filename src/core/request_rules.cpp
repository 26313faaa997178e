#include "request_rules.h"

#include <algorithm>

namespace upnpd::core {
namespace {

constexpr std::uint32_t kLongestLease = 604800;  // WANIPConnection:2 section 2.3.17

std::unexpected<Refusal> refuse(UpnpError error, std::string reason) {
  return std::unexpected(Refusal{error, std::move(reason)});
}

// The longest prefix of `lan` that has `address` as a host; no value when none has.
std::optional<unsigned> longest_prefix(const Lan& lan, Ipv4Address address) {
  std::optional<unsigned> longest;
  for (const Ipv4Network& network : lan.networks)
    if (network.contains_host(address))
      longest = std::max(longest.value_or(0), network.prefix_length());
  return longest;
}

bool has_host(const Lan& lan, const Ipv6Address& address) {
  return address.is_link_local() ||
         std::ranges::any_of(lan.ipv6_networks,
                             [&](const Ipv6Network& n) { return n.contains(address); });
}

// Whether `address` may be a mapping's target for this caller; if not, why.
std::expected<InternalClient, std::string> judge_client(Ipv4Address address,
                                                        const RequestHead& head,
                                                        const Policy& policy,
                                                        const Surroundings& surroundings) {
  const auto client = InternalClient::parse(address);
  const std::string name = "InternalClient " + address.to_string();
  if (!client) return std::unexpected(name + " is no host's address");
  if (policy.secure_mode &&
      std::ranges::count(ipv4_addresses_of_caller(head, surroundings), address) == 0)
    return std::unexpected(name + " is not the caller (secure_mode)");
  if (std::ranges::count(surroundings.own_addresses, address) != 0)
    return std::unexpected(name + " is the router itself");
  if (lan_of_host(address, surroundings) != head.lan)
    return std::unexpected(name + " is not on the caller's LAN");
  return *client;
}

// Who InternalClient is: whom it names, or, when it is empty, the caller.
std::expected<Ipv4Address, std::string> named_client(const AddressArgument& argument,
                                                     const RequestHead& head,
                                                     const Surroundings& surroundings) {
  if (const auto* const named = std::get_if<Ipv4Address>(&argument)) return *named;
  const auto own = ipv4_addresses_of_caller(head, surroundings);
  if (own.size() == 1) return own.front();
  return std::unexpected("InternalClient is empty, and " + to_string(head.caller) + " has " +
                         std::to_string(own.size()) + " known IPv4 addresses");
}

std::expected<RemoteHost, Refusal> judge_remote_host(const AddressArgument& argument) {
  if (std::holds_alternative<NoAddress>(argument)) return RemoteHost::any();
  if (const auto* const address = std::get_if<Ipv4Address>(&argument))
    if (const auto host = RemoteHost::parse(*address)) return *host;
  return refuse(UpnpError::ArgumentValueInvalid, "RemoteHost is not the address of a host");
}

// Which error says that this client may not be mapped to: WANIPConnection:1 has no 606.
UpnpError client_refused(IgdVersion version) {
  return version == IgdVersion::v1 ? UpnpError::ConflictInMappingEntry
                                   : UpnpError::ActionNotAuthorized;
}

}  // namespace

LeaseDuration granted_lease(std::uint32_t asked, IgdVersion version, std::chrono::seconds longest) {
  const auto limit = static_cast<std::uint32_t>(longest.count());
  std::uint32_t granted = asked;
  if (version == IgdVersion::v2)
    granted = asked == 0 ? kLongestLease : std::min(asked, kLongestLease);
  if (limit != 0) granted = granted == 0 ? limit : std::min(granted, limit);
  return LeaseDuration::parse(granted).value_or(LeaseDuration::permanent());
}

std::expected<WantedMapping, Refusal> judge_arguments(const RequestHead& head,
                                                      const PortMappingArguments& arguments,
                                                      const Policy& policy,
                                                      const Surroundings& surroundings) {
  if (!is_on_its_lan(head, surroundings))
    return refuse(UpnpError::ActionNotAuthorized, "the caller is not on the LAN it came by");
  const auto* const protocol = std::get_if<Protocol>(&arguments.protocol);
  if (protocol == nullptr)
    return refuse(UpnpError::ArgumentValueOutOfRange, "the protocol is neither TCP nor UDP");
  if (std::holds_alternative<MalformedAddress>(arguments.internal_client))
    return refuse(UpnpError::ArgumentValueInvalid, "InternalClient is not an IPv4 address");

  const auto named = named_client(arguments.internal_client, head, surroundings);
  if (!named) return refuse(client_refused(head.version), named.error());
  const auto client = judge_client(*named, head, policy, surroundings);
  if (!client) return refuse(client_refused(head.version), client.error());

  const auto internal_port = InternalPort::parse(arguments.internal_port);
  if (!internal_port)
    return refuse(head.version == IgdVersion::v1 ? UpnpError::InvalidArgs
                                                 : UpnpError::WildCardNotPermittedInIntPort,
                  "InternalPort is 0");
  const auto external_port = ExternalPort::parse(arguments.external_port);
  if (!external_port) return refuse(UpnpError::WildCardNotPermittedInExtPort, "ExternalPort is 0");
  const auto remote_host = judge_remote_host(arguments.remote_host);
  if (!remote_host) return std::unexpected(remote_host.error());
  if (!arguments.description)
    return refuse(UpnpError::StringArgumentTooLong,
                  "the description is longer than " +
                      std::to_string(PortMappingDescription::kMaxBytes) + " bytes");
  return WantedMapping{{*remote_host, *external_port, *protocol},
                       *client,
                       *internal_port,
                       arguments.enabled,
                       *arguments.description,
                       granted_lease(arguments.lease_duration, head.version, policy.limits.lease)};
}

std::expected<PortMappingKey, Refusal> judge_key(const AddressArgument& remote_host,
                                                 std::uint16_t external_port,
                                                 const ProtocolArgument& protocol) {
  const auto keys = judge_keys(remote_host, external_port, protocol);
  if (!keys) return std::unexpected(keys.error());
  if (keys->size() != 1) return refuse(UpnpError::InvalidArgs, "there is no protocol");
  return keys->front();
}

std::expected<std::vector<PortMappingKey>, Refusal> judge_keys(const AddressArgument& remote_host,
                                                               std::uint16_t external_port,
                                                               const ProtocolArgument& protocol) {
  if (std::holds_alternative<UnknownProtocol>(protocol))
    return refuse(UpnpError::InvalidArgs, "the protocol is neither TCP nor UDP");
  const auto host = judge_remote_host(remote_host);
  if (!host) return std::unexpected(host.error());
  const auto port = ExternalPort::parse(external_port);
  if (!port) return refuse(UpnpError::NoSuchEntryInArray, "no mapping has external port 0");
  if (const auto* const named = std::get_if<Protocol>(&protocol))
    return std::vector{PortMappingKey{*host, *port, *named}};
  return std::vector{PortMappingKey{*host, *port, Protocol::TCP},
                     PortMappingKey{*host, *port, Protocol::UDP}};
}

std::expected<PortSpan, Refusal> judge_range(const RequestHead& head, const PortMappingRange& range,
                                             const Surroundings& surroundings) {
  if (!is_on_its_lan(head, surroundings))
    return refuse(UpnpError::ActionNotAuthorized, "the caller is not on the LAN it came by");
  const auto* const protocol = std::get_if<Protocol>(&range.protocol);
  if (protocol == nullptr)
    return refuse(UpnpError::InvalidArgs, "the protocol is neither TCP nor UDP");
  if (range.start_port > range.end_port)
    return refuse(UpnpError::InconsistentParameters, "the range ends before it starts");
  return PortSpan{*protocol, range.start_port, range.end_port};
}

std::optional<LanIndex> lan_of_host(Ipv4Address address, const Surroundings& surroundings) {
  std::optional<LanIndex> found;
  std::optional<unsigned> longest;
  for (const Lan& lan : surroundings.lans) {
    const auto prefix = longest_prefix(lan, address);
    if (!prefix || prefix < longest) continue;
    // Alike on two LANs: a packet for it would take either way.
    found = prefix == longest ? std::nullopt : std::optional(lan.index);
    longest = prefix;
  }
  return found;
}

bool is_stranded(Ipv4Address client, const Surroundings& surroundings) {
  return std::ranges::all_of(surroundings.lans, [&](const Lan& lan) {
    return !lan.networks.empty() && !longest_prefix(lan, client);
  });
}

bool is_host_of(const IpAddress& address, LanIndex lan, const Surroundings& surroundings) {
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
    return lan_of_host(*ipv4, surroundings) == lan;
  const auto found = std::ranges::find(surroundings.lans, lan, &Lan::index);
  return found != surroundings.lans.end() && has_host(*found, std::get<Ipv6Address>(address));
}

bool is_on_its_lan(const RequestHead& head, const Surroundings& surroundings) {
  return is_host_of(head.caller, head.lan, surroundings);
}

std::vector<Ipv4Address> ipv4_addresses_of_caller(const RequestHead& head,
                                                  const Surroundings& surroundings) {
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&head.caller)) return {*ipv4};
  const auto host = surroundings.neighbours.find(head.lan, head.caller);
  if (!host) return {};
  auto own = surroundings.neighbours.ipv4_addresses_of(head.lan, *host);
  std::erase_if(own, [&](Ipv4Address a) { return lan_of_host(a, surroundings) != head.lan; });
  return own;
}

}  // namespace upnpd::core
