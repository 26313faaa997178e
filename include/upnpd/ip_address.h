// An address or a network of either family, where both are meant: who asks, and where the router is
// found on a LAN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "upnpd/address.h"
#include "upnpd/ipv6_address.h"

namespace upnpd {

using IpAddress = std::variant<Ipv4Address, Ipv6Address>;
using IpNetwork = std::variant<Ipv4Network, Ipv6Network>;  // both of an address's own family

enum class IpFamily : std::uint8_t { V4 = 4, V6 = 6 };
IpFamily family_of(const IpNetwork& network);

IpAddress address_of(const IpNetwork& network);
// Whether `address` can be a host's in `network`; never of the other family.
bool contains_host(const IpNetwork& network, const IpAddress& address);

// A literal of either family.
std::optional<IpAddress> parse_ip_address(std::string_view literal);
std::string to_string(const IpAddress& address);

// As the host of a URL: an IPv6 literal stands between brackets (RFC 3986 section 3.2.2).
std::string url_host(const IpAddress& address);

}  // namespace upnpd
