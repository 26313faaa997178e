#include "rtnl_messages.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace upnpd::kernel {
namespace {

using Bytes = std::span<const std::byte>;

// The value at the start of `bytes`.
template <class Value>
std::optional<Value> read(Bytes bytes) {
  if (bytes.size() < sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// What follows the first `size` bytes, which netlink pads to four.
Bytes after(Bytes bytes, std::size_t size) {
  constexpr std::size_t kPadding = MNL_ALIGNTO - 1;
  return bytes.subspan(std::min(bytes.size(), (size + kPadding) & ~kPadding));
}

// A message of type `type`: its family header, and the attributes behind it.
template <class Family>
struct Message {
  Family family;
  Bytes attributes;
};

template <class Family>
std::optional<Message<Family>> read_message(Bytes bytes, std::uint16_t type) {
  const auto head = read<nlmsghdr>(bytes);
  if (!head || head->nlmsg_type != type || head->nlmsg_len > bytes.size()) return std::nullopt;
  const Bytes payload = after(bytes.first(head->nlmsg_len), sizeof *head);
  const auto family = read<Family>(payload);
  if (!family) return std::nullopt;
  return Message<Family>{*family, after(payload, sizeof *family)};
}

// The value of the first attribute of this type; no value when there is none, or when an attribute
// before it is cut short.
std::optional<Bytes> find_attribute(Bytes attributes, std::uint16_t type) {
  while (const auto head = read<nlattr>(attributes)) {
    if (head->nla_len < sizeof *head || head->nla_len > attributes.size()) return std::nullopt;
    const Bytes value = after(attributes.first(head->nla_len), sizeof *head);
    if ((head->nla_type & NLA_TYPE_MASK) == type) return value;
    attributes = after(attributes, head->nla_len);
  }
  return std::nullopt;
}

template <class Value>
std::optional<Value> find(Bytes attributes, std::uint16_t type) {
  const auto value = find_attribute(attributes, type);
  return value ? read<Value>(*value) : std::nullopt;
}

std::string find_text(Bytes attributes, std::uint16_t type) {
  const Bytes value = find_attribute(attributes, type).value_or(Bytes{});
  std::string text;
  for (const std::byte byte : value) {
    if (byte == std::byte{0}) break;
    text += std::to_integer<char>(byte);
  }
  return text;
}

MacAddress find_mac(Bytes attributes, std::uint16_t type) {
  MacAddress mac{};
  const auto value = find_attribute(attributes, type);
  if (value && value->size() == mac.size()) std::memcpy(mac.data(), value->data(), mac.size());
  return mac;
}

// The first four counters; newer kernels append to the structure.
std::optional<LinkCounters> find_counters(Bytes attributes) {
  struct FirstFour {
    std::uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
  };
  const auto stats = find<FirstFour>(attributes, IFLA_STATS64);
  if (!stats) return std::nullopt;
  return LinkCounters{.packets_received = stats->rx_packets,
                      .packets_sent = stats->tx_packets,
                      .bytes_received = stats->rx_bytes,
                      .bytes_sent = stats->tx_bytes};
}

std::optional<Ipv4Address> find_address(Bytes attributes, std::uint16_t type) {
  const auto number = find<std::uint32_t>(attributes, type);
  return number ? std::optional(Ipv4Address::from_host_order(be32toh(*number))) : std::nullopt;
}

using NextHop = DefaultRouteMessage::NextHop;

// RTA_MULTIPATH: the next hops that are not dead.
std::vector<NextHop> alive_next_hops(Bytes hops) {
  std::vector<NextHop> alive;
  while (const auto hop = read<rtnexthop>(hops)) {
    if (hop->rtnh_len < sizeof *hop || hop->rtnh_len > hops.size()) break;
    const Bytes attributes = after(hops.first(hop->rtnh_len), sizeof *hop);
    if ((hop->rtnh_flags & RTNH_F_DEAD) == 0 && hop->rtnh_ifindex > 0)
      alive.push_back({hop->rtnh_ifindex, find_address(attributes, RTA_GATEWAY)});
    hops = after(hops, hop->rtnh_len);
  }
  return alive;
}

bool is_main_default(const Message<rtmsg>& route) {
  const auto table =
      find<std::uint32_t>(route.attributes, RTA_TABLE).value_or(route.family.rtm_table);
  return route.family.rtm_family == AF_INET && route.family.rtm_dst_len == 0 &&
         table == RT_TABLE_MAIN && route.family.rtm_type == RTN_UNICAST;
}

}  // namespace

std::optional<LinkMessage> parse_link(Bytes bytes) {
  const auto message = read_message<ifinfomsg>(bytes, RTM_NEWLINK);
  if (!message || message->family.ifi_index <= 0) return std::nullopt;
  auto name = find_text(message->attributes, IFLA_IFNAME);
  if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
  return LinkMessage{.index = message->family.ifi_index,
                     .name = std::move(name),
                     .mac = find_mac(message->attributes, IFLA_ADDRESS),
                     .up = (message->family.ifi_flags & IFF_UP) != 0,
                     .running = (message->family.ifi_flags & IFF_RUNNING) != 0,
                     .counters = find_counters(message->attributes)};
}

std::optional<AddressMessage> parse_address(Bytes bytes) {
  const auto message = read_message<ifaddrmsg>(bytes, RTM_NEWADDR);
  if (!message || message->family.ifa_family != AF_INET) return std::nullopt;
  // IFA_ADDRESS is the peer's on a point-to-point link, and all there is on some other.
  const auto local = find_address(message->attributes, IFA_LOCAL);
  const auto peer = find_address(message->attributes, IFA_ADDRESS);
  if (!local && !peer) return std::nullopt;
  const unsigned length = message->family.ifa_prefixlen;
  const auto address = Ipv4Network::make(local ? *local : *peer, length);
  const auto reached = Ipv4Network::make(peer ? *peer : *local, length);
  if (!address || !reached) return std::nullopt;
  const auto flags =
      find<std::uint32_t>(message->attributes, IFA_FLAGS).value_or(message->family.ifa_flags);
  return AddressMessage{.index = static_cast<int>(message->family.ifa_index),
                        .address = *address,
                        .reached = *reached,
                        .secondary = (flags & IFA_F_SECONDARY) != 0,
                        .global = message->family.ifa_scope == RT_SCOPE_UNIVERSE};
}

std::optional<Ipv6AddressMessage> parse_ipv6_address(Bytes bytes) {
  const auto message = read_message<ifaddrmsg>(bytes, RTM_NEWADDR);
  if (!message || message->family.ifa_family != AF_INET6) return std::nullopt;
  // IFA_ADDRESS is the peer's on a point-to-point link.
  auto address = find<Ipv6Address::Bytes>(message->attributes, IFA_LOCAL);
  if (!address) address = find<Ipv6Address::Bytes>(message->attributes, IFA_ADDRESS);
  if (!address) return std::nullopt;
  const auto network =
      Ipv6Network::make(Ipv6Address::from_bytes(*address), message->family.ifa_prefixlen);
  if (!network) return std::nullopt;
  const auto flags =
      find<std::uint32_t>(message->attributes, IFA_FLAGS).value_or(message->family.ifa_flags);
  return Ipv6AddressMessage{.index = static_cast<int>(message->family.ifa_index),
                            .address = *network,
                            .usable = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0,
                            .deprecated = (flags & IFA_F_DEPRECATED) != 0};
}

std::optional<NeighbourMessage> parse_neighbour(Bytes bytes) {
  const auto message = read_message<ndmsg>(bytes, RTM_NEWNEIGH);
  constexpr unsigned kUnknown = NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP;
  if (!message || message->family.ndm_state == NUD_NONE ||
      (message->family.ndm_state & kUnknown) != 0)
    return std::nullopt;
  const MacAddress mac = find_mac(message->attributes, NDA_LLADDR);
  if (mac == MacAddress{}) return std::nullopt;
  const bool pinned = (message->family.ndm_state & NUD_PERMANENT) != 0;
  NeighbourMessage neighbour{
      .index = message->family.ndm_ifindex,
      .address = Ipv4Address::from_host_order(0),
      .mac = mac,
      .confirmed = pinned || (message->family.ndm_state & NUD_REACHABLE) != 0,
      .pinned = pinned};
  if (message->family.ndm_family == AF_INET) {
    const auto address = find<std::uint32_t>(message->attributes, NDA_DST);
    if (!address) return std::nullopt;
    neighbour.address = Ipv4Address::from_host_order(be32toh(*address));
    return neighbour;
  }
  const auto address = find<Ipv6Address::Bytes>(message->attributes, NDA_DST);
  if (!address || message->family.ndm_family != AF_INET6) return std::nullopt;
  neighbour.address = Ipv6Address::from_bytes(*address);
  return neighbour;
}

std::optional<DefaultRouteMessage> parse_default_route(Bytes bytes) {
  const auto message = read_message<rtmsg>(bytes, RTM_NEWROUTE);
  if (!message || !is_main_default(*message)) return std::nullopt;
  if ((message->family.rtm_flags & RTNH_F_DEAD) != 0) return std::nullopt;
  const auto index = find<int>(message->attributes, RTA_OIF);
  std::vector<NextHop> hops;
  if (!index)
    hops = alive_next_hops(find_attribute(message->attributes, RTA_MULTIPATH).value_or(Bytes{}));
  else if (*index > 0)
    hops = {{*index, find_address(message->attributes, RTA_GATEWAY)}};
  if (hops.empty()) return std::nullopt;
  return DefaultRouteMessage{
      .next_hops = std::move(hops),
      .metric = find<std::uint32_t>(message->attributes, RTA_PRIORITY).value_or(0)};
}

bool changes_surroundings(Bytes bytes) {
  const auto head = read<nlmsghdr>(bytes);
  if (!head) return false;
  switch (head->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: return true;
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const auto message = read_message<ifaddrmsg>(bytes, head->nlmsg_type);
      return message &&
             (message->family.ifa_family == AF_INET || message->family.ifa_family == AF_INET6);
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const auto message = read_message<rtmsg>(bytes, head->nlmsg_type);
      return message && is_main_default(*message);
    }
    default: return false;
  }
}

}  // namespace upnpd::kernel
