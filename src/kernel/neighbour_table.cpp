#include "neighbour_table.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

namespace upnpd::kernel {
namespace {

std::span<const std::byte> bytes_of(const nlmsghdr& message) {
  return {static_cast<const std::byte*>(static_cast<const void*>(&message)), message.nlmsg_len};
}

}  // namespace

std::expected<NeighbourTable, NetlinkError> NeighbourTable::open() {
  auto socket = NlSocket::open(NETLINK_ROUTE);
  if (!socket) return std::unexpected(socket.error());
  return NeighbourTable(*std::move(socket));
}

std::expected<std::vector<NeighbourMessage>, NetlinkError> NeighbourTable::snapshot_once() {
  alignas(nlmsghdr) std::array<char, 256> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETNEIGH;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  mnl_nlmsg_put_extra_header(request, sizeof(ndmsg));
  std::vector<NeighbourMessage> neighbours;
  const auto answered = socket_.ask(*request, [&](const nlmsghdr& message) {
    if (const auto neighbour = parse_neighbour(bytes_of(message))) neighbours.push_back(*neighbour);
  });
  if (!answered) return std::unexpected(answered.error());
  return neighbours;
}

std::expected<std::vector<NeighbourMessage>, NetlinkError> NeighbourTable::snapshot() {
  return until_uninterrupted([this] { return snapshot_once(); });
}

std::expected<void, NetlinkError> NeighbourTable::solicit(int link_index,
                                                          const IpAddress& address) {
  alignas(nlmsghdr) std::array<char, 256> buffer;
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_NEWNEIGH;
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  auto* head = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
  head->ndm_family = std::holds_alternative<Ipv6Address>(address) ? AF_INET6 : AF_INET;
  head->ndm_ifindex = link_index;
  head->ndm_state = NUD_NONE;
  head->ndm_flags = NTF_USE;  // as if there were a packet to send
  if (const auto* const ipv6 = std::get_if<Ipv6Address>(&address))
    mnl_attr_put(request, NDA_DST, ipv6->bytes().size(), ipv6->bytes().data());
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
    mnl_attr_put_u32(request, NDA_DST, htonl(ipv4->host_order()));
  return socket_.ask(*request, [](const nlmsghdr&) {});
}

}  // namespace upnpd::kernel
