#include "neighbour_table.h"

#include <endian.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "nl_request.h"

namespace upnpd::kernel {
namespace {

std::span<const std::byte> bytes_of(const nlmsghdr& message) {
  return {static_cast<const std::byte*>(static_cast<const void*>(&message)), message.nlmsg_len};
}

// A request about one neighbour.
class NeighbourRequest : public NlRequest {
 public:
  NeighbourRequest(int type, int flags, int link_index, const IpAddress& address)
      : NlRequest(type, NLM_F_ACK | flags), neighbour_(put_head<ndmsg>()) {
    neighbour_.ndm_family = std::holds_alternative<Ipv6Address>(address) ? AF_INET6 : AF_INET;
    neighbour_.ndm_ifindex = link_index;
    neighbour_.ndm_state = NUD_NONE;
    if (const auto* const ipv6 = std::get_if<Ipv6Address>(&address))
      mnl_attr_put(&header(), NDA_DST, ipv6->bytes().size(), ipv6->bytes().data());
    if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
      mnl_attr_put_u32(&header(), NDA_DST, htobe32(ipv4->host_order()));
  }
  // As if there were a packet to send.
  NeighbourRequest& use() {
    neighbour_.ndm_flags = NTF_USE;
    return *this;
  }

 private:
  ndmsg& neighbour_;
};

}  // namespace

std::expected<NeighbourTable, NetlinkError> NeighbourTable::open() {
  auto socket = NlSocket::open(NETLINK_ROUTE);
  if (!socket) return std::unexpected(socket.error());
  return NeighbourTable(*std::move(socket));
}

std::expected<std::vector<NeighbourMessage>, NetlinkError> NeighbourTable::snapshot_once() {
  NlRequest request(RTM_GETNEIGH, NLM_F_DUMP);
  request.put_head<ndmsg>();
  std::vector<NeighbourMessage> neighbours;
  const auto answered = socket_.ask(request.header(), [&](const nlmsghdr& message) {
    if (const auto neighbour = parse_neighbour(bytes_of(message))) neighbours.push_back(*neighbour);
  });
  if (!answered) return std::unexpected(answered.error());
  return neighbours;
}

std::expected<std::vector<NeighbourMessage>, NetlinkError> NeighbourTable::snapshot() {
  return until_uninterrupted([this] { return snapshot_once(); });
}

std::expected<std::optional<NeighbourMessage>, NetlinkError> NeighbourTable::find(
    int link_index, Ipv4Address address) {
  NeighbourRequest request(RTM_GETNEIGH, 0, link_index, address);
  std::optional<NeighbourMessage> found;
  const auto answered = socket_.ask(request.header(), [&](const nlmsghdr& message) {
    found = parse_neighbour(bytes_of(message));
  });
  if (!answered && answered.error().error != ENOENT) return std::unexpected(answered.error());
  return found;
}

std::expected<void, NetlinkError> NeighbourTable::ask(int link_index, const IpAddress& address) {
  NeighbourRequest forget(RTM_DELNEIGH, 0, link_index, address);
  if (const auto forgotten = socket_.ask(forget.header(), [](const nlmsghdr&) {});
      !forgotten && forgotten.error().error != ENOENT)
    return forgotten;
  NeighbourRequest ask(RTM_NEWNEIGH, NLM_F_CREATE, link_index, address);
  return socket_.ask(ask.use().header(), [](const nlmsghdr&) {});
}

}  // namespace upnpd::kernel
