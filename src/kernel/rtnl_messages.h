// rtnetlink's messages as values. Pure functions over the bytes of one whole message, its header
// included; bytes that are not such a message, or are cut short, are no value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "upnpd/ip_address.h"

namespace upnpd::kernel {

// Counters of a link since it was made (struct rtnl_link_stats64).
struct LinkCounters {
  std::uint64_t packets_received;
  std::uint64_t packets_sent;
  std::uint64_t bytes_received;
  std::uint64_t bytes_sent;
};

// RTM_NEWLINK
struct LinkMessage {
  int index;
  std::string name;
  MacAddress mac;  // all zero where the link has none, or one of another length
  bool up;         // IFF_UP: the administrator wants it
  bool running;    // IFF_RUNNING: it can carry packets, its operstate is up or unknown (RFC 2863)
  std::optional<LinkCounters> counters;
};
std::optional<LinkMessage> parse_link(std::span<const std::byte> message);

// RTM_NEWADDR of an IPv4 address
struct AddressMessage {
  int index;            // of the link
  Ipv4Network address;  // the router's own; on a point-to-point link the prefix is the peer's
  Ipv4Network reached;  // whose hosts are on the link: the peer's network, or that of `address`
  bool secondary;
  bool global;  // of RT_SCOPE_UNIVERSE: fit for anywhere
};
std::optional<AddressMessage> parse_address(std::span<const std::byte> message);

// RTM_NEWADDR of an IPv6 address
struct Ipv6AddressMessage {
  int index;            // of the link
  Ipv6Network address;  // the router's own
  bool usable;          // not one that duplicate address detection still tries, or has refused
  bool deprecated;      // it goes on serving who has it, and is nobody's first choice (RFC 4862)
};
std::optional<Ipv6AddressMessage> parse_ipv6_address(std::span<const std::byte> message);

// RTM_NEWNEIGH of a neighbour whose hardware address is known
struct NeighbourMessage {
  int index;  // of the link
  IpAddress address;
  MacAddress mac;
  bool confirmed = false;  // it has answered a moment ago; always so when pinned
  bool pinned = false;     // by the router's owner, for good (NUD_PERMANENT)
};
std::optional<NeighbourMessage> parse_neighbour(std::span<const std::byte> message);

// RTM_NEWROUTE of an IPv4 default route in the main table that leads out of a link
struct DefaultRouteMessage {
  struct NextHop {
    int index;                           // of the link
    std::optional<Ipv4Address> gateway;  // none on a point-to-point link, or one of IPv6
  };
  std::vector<NextHop> next_hops;  // those that are alive, one at least
  std::uint32_t metric;
};
std::optional<DefaultRouteMessage> parse_default_route(std::span<const std::byte> message);

// Whether an event says that a link, an address or an IPv4 default route came, went or changed.
bool changes_surroundings(std::span<const std::byte> message);

}  // namespace upnpd::kernel
