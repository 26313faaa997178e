#include "pinhole_rules.h"

#include <algorithm>

namespace upnpd::core {
namespace {

constexpr std::uint16_t kEveryProtocol = 65535;

std::unexpected<Refusal> refuse(UpnpError error, std::string reason) {
  return std::unexpected(Refusal{error, std::move(reason)});
}

// Whose `address` is: a host of the caller's LAN, the caller itself in secure_mode.
std::expected<MacAddress, std::string> judge_host(const Ipv6Address& address,
                                                  const RequestHead& head, const Policy& policy,
                                                  const Surroundings& surroundings) {
  const std::string name = "InternalClient " + address.to_string();
  if (std::ranges::count(surroundings.own_ipv6_addresses, address) != 0)
    return std::unexpected(name + " is the router itself");
  if (!is_host_of(address, head.lan, surroundings))
    return std::unexpected(name + " is not on the caller's LAN");
  const auto host = surroundings.neighbours.find(head.lan, address);
  if (!host) return std::unexpected(name + " is no known host of the caller's LAN");
  if (policy.secure_mode && host != surroundings.neighbours.find(head.lan, head.caller))
    return std::unexpected(name + " is not the caller's but that of " + to_string(*host) +
                           " (secure_mode)");
  return *host;
}

std::expected<PinholeRemoteHost, Refusal> judge_remote_host(const Ipv6AddressArgument& argument) {
  if (std::holds_alternative<NoAddress>(argument)) return PinholeRemoteHost::any();
  if (const auto* const address = std::get_if<Ipv6Address>(&argument))
    if (const auto host = PinholeRemoteHost::parse(*address)) return *host;
  return refuse(UpnpError::ArgumentValueInvalid, "RemoteHost is not the IPv6 address of a host");
}

PinholeRemotePort remote_port_of(std::uint16_t number) {
  const auto port = RemotePort::parse(number);
  return port ? PinholeRemotePort::only(*port) : PinholeRemotePort::any();
}

}  // namespace

std::expected<void, Refusal> judge_pinhole_caller(const RequestHead& head, const Policy& policy,
                                                  const Surroundings& surroundings) {
  if (!is_on_its_lan(head, surroundings))
    return refuse(UpnpError::ActionNotAuthorized, "the caller is not on the LAN it came by");
  if (!policy.allow_pinholes)
    return refuse(UpnpError::InboundPinholeNotAllowed, "allow_pinholes is no");
  return {};
}

std::expected<PinholeLease, Refusal> judge_lease_time(std::uint32_t asked, const Policy& policy) {
  const auto lease = PinholeLease::parse(asked);
  if (!lease) return refuse(UpnpError::InvalidArgs, "the lease is not 1 to 86400 seconds");
  const auto longest = policy.limits.lease.count();
  if (longest == 0 || longest >= lease->seconds().count()) return *lease;
  return *PinholeLease::parse(static_cast<std::uint32_t>(longest));
}

std::expected<Protocol, Refusal> judge_pinhole_protocol(std::uint16_t number) {
  if (number == kEveryProtocol)
    return refuse(UpnpError::ProtocolWildcardingNotAllowed, "a pinhole is for one protocol");
  const auto protocol =
      number > 255 ? std::nullopt : parse_protocol(static_cast<std::uint8_t>(number));
  if (!protocol)
    return refuse(UpnpError::ProtocolNotSupported,
                  "protocol " + std::to_string(number) + " is neither TCP nor UDP");
  return *protocol;
}

std::expected<WantedPinhole, Refusal> judge_pinhole(const RequestHead& head,
                                                    const PinholeArguments& arguments,
                                                    const Policy& policy,
                                                    const Surroundings& surroundings) {
  if (const auto caller = judge_pinhole_caller(head, policy, surroundings); !caller)
    return std::unexpected(caller.error());
  const auto protocol = judge_pinhole_protocol(arguments.protocol);
  if (!protocol) return std::unexpected(protocol.error());
  if (std::holds_alternative<NoAddress>(arguments.internal_client))
    return refuse(UpnpError::WildCardNotPermittedInInternalClient, "InternalClient is a wildcard");
  const auto* const address = std::get_if<Ipv6Address>(&arguments.internal_client);
  if (address == nullptr)
    return refuse(UpnpError::ArgumentValueInvalid, "InternalClient is not an IPv6 address");
  const auto internal_port = InternalPort::parse(arguments.internal_port);
  if (!internal_port)
    return refuse(UpnpError::InternalPortWildcardingNotAllowed, "InternalPort is 0");
  const auto lease = judge_lease_time(arguments.lease_time, policy);
  if (!lease) return std::unexpected(lease.error());
  const auto remote_host = judge_remote_host(arguments.remote_host);
  if (!remote_host) return std::unexpected(remote_host.error());

  const auto client = PinholeClient::parse(*address);
  if (!client)
    return refuse(UpnpError::ActionNotAuthorized, "InternalClient " + address->to_string() +
                                                      " cannot be reached from the internet");
  const auto host = judge_host(*address, head, policy, surroundings);
  if (!host) return refuse(UpnpError::ActionNotAuthorized, host.error());
  return WantedPinhole{
      {*remote_host, remote_port_of(arguments.remote_port), *client, *internal_port, *protocol},
      *lease,
      *host};
}

}  // namespace upnpd::core
