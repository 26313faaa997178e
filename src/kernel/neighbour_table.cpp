#include "neighbour_table.h"

#include <endian.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace upnpd::kernel {
namespace {

std::span<const std::byte> bytes_of(const nlmsghdr& message) {
  return {static_cast<const std::byte*>(static_cast<const void*>(&message)), message.nlmsg_len};
}

// A request about one neighbour.
class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags, int link_index, const IpAddress& address)
      : head_(mnl_nlmsg_put_header(buffer_.data())),
        neighbour_(static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(head_, sizeof(ndmsg)))) {
    head_->nlmsg_type = type;
    head_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    neighbour_->ndm_family = std::holds_alternative<Ipv6Address>(address) ? AF_INET6 : AF_INET;
    neighbour_->ndm_ifindex = link_index;
    neighbour_->ndm_state = NUD_NONE;
    if (const auto* const ipv6 = std::get_if<Ipv6Address>(&address))
      mnl_attr_put(head_, NDA_DST, ipv6->bytes().size(), ipv6->bytes().data());
    if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
      mnl_attr_put_u32(head_, NDA_DST, htobe32(ipv4->host_order()));
  }
  // As if there were a packet to send.
  Request& use() {
    neighbour_->ndm_flags = NTF_USE;
    return *this;
  }
  nlmsghdr& head() { return *head_; }

 private:
  alignas(nlmsghdr) std::array<char, 256> buffer_{};
  nlmsghdr* head_;
  ndmsg* neighbour_;
};

}  // namespace

std::expected<NeighbourTable, NetlinkError> NeighbourTable::open() {
  auto socket = NlSocket::open(NETLINK_ROUTE);
  if (!socket) return std::unexpected(socket.error());
  return NeighbourTable(*std::move(socket));
}

std::expected<std::vector<NeighbourMessage>, NetlinkError> NeighbourTable::snapshot_once() {
  alignas(nlmsghdr) std::array<char, 256> buffer{};
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

std::expected<std::optional<NeighbourMessage>, NetlinkError> NeighbourTable::find(
    int link_index, Ipv4Address address) {
  Request request(RTM_GETNEIGH, 0, link_index, address);
  std::optional<NeighbourMessage> found;
  const auto answered = socket_.ask(
      request.head(), [&](const nlmsghdr& message) { found = parse_neighbour(bytes_of(message)); });
  if (!answered && answered.error().error != ENOENT) return std::unexpected(answered.error());
  return found;
}

std::expected<void, NetlinkError> NeighbourTable::solicit(int link_index,
                                                          const IpAddress& address) {
  Request request(RTM_NEWNEIGH, NLM_F_CREATE, link_index, address);
  return socket_.ask(request.use().head(), [](const nlmsghdr&) {});
}

std::expected<void, NetlinkError> NeighbourTable::ask_again(int link_index, Ipv4Address address) {
  Request forget(RTM_DELNEIGH, 0, link_index, address);
  if (const auto forgotten = socket_.ask(forget.head(), [](const nlmsghdr&) {});
      !forgotten && forgotten.error().error != ENOENT)
    return forgotten;
  Request ask(RTM_NEWNEIGH, NLM_F_CREATE, link_index, address);
  return socket_.ask(ask.use().head(), [](const nlmsghdr&) {});
}

}  // namespace upnpd::kernel
