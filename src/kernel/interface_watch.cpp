#include "interface_watch.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <utility>

#include "masquerade_address.h"
#include "nl_request.h"

namespace upnpd::kernel {
namespace {

std::span<const std::byte> bytes_of(const nlmsghdr& message) {
  return {static_cast<const std::byte*>(static_cast<const void*>(&message)), message.nlmsg_len};
}

// To each interface its addresses, those that are `last` after the others: the first is the one it
// is known by.
template <typename Message, typename Addresses>
void hand_out(const std::vector<Message>& messages, bool Message::*last,
              std::map<int, RouterInterface>& interfaces, Addresses RouterInterface::*addresses) {
  for (const bool turn : {false, true})
    for (const Message& message : messages)
      if (const auto found = interfaces.find(message.index);
          found != interfaces.end() && message.*last == turn)
        (found->second.*addresses).push_back(message.address);
}

// Default routes by their metric; equal ones as the kernel tells them.
using DefaultRoutes = std::multimap<std::uint32_t, DefaultRouteMessage>;

// The gateway of each link's best default route.
std::map<int, std::optional<Ipv4Address>> gateways_of(const DefaultRoutes& routes) {
  std::map<int, std::optional<Ipv4Address>> gateways;
  for (const auto& [metric, route] : routes)
    for (const auto& hop : route.next_hops)
      gateways.try_emplace(hop.index, hop.gateway);
  return gateways;
}

}  // namespace

std::expected<InterfaceWatch, NetlinkError> InterfaceWatch::open() {
  auto events = NlSocket::open(
      NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR);
  if (!events) return std::unexpected(events.error());
  auto requests = NlSocket::open(NETLINK_ROUTE);
  if (!requests) return std::unexpected(requests.error());
  return InterfaceWatch(*std::move(events), *std::move(requests));
}

std::expected<bool, NetlinkError> InterfaceWatch::drain() {
  bool changed = false;
  const auto received = events_.receive_waiting([&](const nlmsghdr& message) {
    changed = changed || changes_surroundings(bytes_of(message));
  });
  if (!received && received.error().error == ENOBUFS) return true;
  if (!received) return std::unexpected(received.error());
  return changed;
}

std::expected<void, NetlinkError> InterfaceWatch::dump(int type, unsigned char family,
                                                       const NlSocket::OnMessage& on_message) {
  NlRequest request(type, NLM_F_DUMP);
  // Of the longest family header: older kernels expect it whole, whatever is asked for.
  request.put_head<ifinfomsg>().ifi_family = family;
  return requests_.ask(request.header(), on_message);
}

std::expected<RouterInterfaces, NetlinkError> InterfaceWatch::snapshot_once() {
  std::map<int, RouterInterface> by_index;
  std::vector<AddressMessage> addresses;
  DefaultRoutes routes;
  auto links_read = dump(RTM_GETLINK, AF_UNSPEC, [&](const nlmsghdr& message) {
    if (auto link = parse_link(bytes_of(message)))
      by_index.insert_or_assign(
          link->index,
          RouterInterface{
              link->index, std::move(link->name), link->mac, link->up, link->running, {}});
  });
  if (!links_read) return std::unexpected(links_read.error());
  auto addresses_read = dump(RTM_GETADDR, AF_INET, [&](const nlmsghdr& message) {
    if (const auto address = parse_address(bytes_of(message))) addresses.push_back(*address);
  });
  if (!addresses_read) return std::unexpected(addresses_read.error());
  std::vector<Ipv6AddressMessage> ipv6_addresses;
  auto ipv6_addresses_read = dump(RTM_GETADDR, AF_INET6, [&](const nlmsghdr& message) {
    const auto address = parse_ipv6_address(bytes_of(message));
    if (address && address->usable) ipv6_addresses.push_back(*address);
  });
  // A kernel without IPv6 has none.
  if (!ipv6_addresses_read && ipv6_addresses_read.error().error == EINTR)
    return std::unexpected(ipv6_addresses_read.error());
  auto routes_read = dump(RTM_GETROUTE, AF_INET, [&](const nlmsghdr& message) {
    if (auto route = parse_default_route(bytes_of(message)))
      routes.emplace(route->metric, *std::move(route));
  });
  if (!routes_read) return std::unexpected(routes_read.error());

  hand_out(addresses, &AddressMessage::secondary, by_index, &RouterInterface::addresses);
  hand_out(ipv6_addresses, &Ipv6AddressMessage::deprecated, by_index,
           &RouterInterface::ipv6_addresses);
  RouterInterfaces snapshot;
  if (!routes.empty())
    if (const auto found = by_index.find(routes.begin()->second.next_hops.front().index);
        found != by_index.end())
      snapshot.default_route_interface = found->second.name;
  const auto gateways = gateways_of(routes);
  for (auto& [index, interface] : by_index) {
    const auto gateway = gateways.find(index);
    interface.masquerade_address = masquerade_address(
        addresses, index, gateway != gateways.end() ? gateway->second : std::nullopt);
    snapshot.interfaces.push_back(std::move(interface));
  }
  return snapshot;
}

std::expected<RouterInterfaces, NetlinkError> InterfaceWatch::snapshot() {
  return until_uninterrupted([this] { return snapshot_once(); });
}

std::expected<LinkCounters, NetlinkError> InterfaceWatch::link_totals(const std::string& name) {
  const std::string what = "reading the counters of an interface";
  if (name.empty() || name.size() >= IFNAMSIZ) return std::unexpected(NetlinkError{ENODEV, what});
  NlRequest request(RTM_GETLINK, NLM_F_ACK);
  request.put_head<ifinfomsg>();
  mnl_attr_put_strz(&request.header(), IFLA_IFNAME, name.c_str());
  std::optional<LinkCounters> counters;
  const auto answered = requests_.ask(request.header(), [&](const nlmsghdr& message) {
    if (const auto link = parse_link(bytes_of(message))) counters = link->counters;
  });
  if (!answered) return std::unexpected(NetlinkError{answered.error().error, what});
  if (!counters) return std::unexpected(NetlinkError{ENODATA, what});
  return *counters;
}

}  // namespace upnpd::kernel
