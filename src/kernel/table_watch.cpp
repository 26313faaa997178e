#include "table_watch.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "nft_sets.h"
#include "nl_request.h"

namespace upnpd::kernel {
namespace {

// Datagrams in one go; a storm of others' changes must not keep the loop.
constexpr std::size_t kMostAtOnce = 256;
constexpr int kReceiveQueue = 256 * 1024;

// In an event about a table or a part of one, its name is the first attribute.
constexpr std::uint16_t kTableName = NFTA_TABLE_NAME;
static_assert(NFTA_CHAIN_TABLE == kTableName && NFTA_RULE_TABLE == kTableName &&
              NFTA_SET_TABLE == kTableName && NFTA_SET_ELEM_LIST_TABLE == kTableName &&
              NFTA_OBJ_TABLE == kTableName && NFTA_FLOWTABLE_TABLE == kTableName);
constexpr std::uint32_t kNameAt = sizeof(nlmsghdr) + sizeof(nfgenmsg) + sizeof(nlattr);
static_assert(std::string_view("upnpd") == kTable);  // which the filter has in two pieces

// Lets a datagram pass unless it is our own, or one message alone that does not name our table. A
// transaction's events come together in one datagram, and more than the first the filter cannot
// see.
bool attach_filter(int fd, std::uint32_t own_port_id) {
  constexpr bool kLittle = std::endian::native == std::endian::little;
  constexpr std::uint32_t kLengthLow = kLittle ? 0 : 3, kLengthHigh = kLittle ? 1 : 2;
  constexpr std::uint32_t kUpnp = 0x75706e70, kD = 0x6400;  // "upnp", "d" and NUL
  std::array<sock_filter, 16> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port_id), 13, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kLengthHigh),  // nlmsg_len, in the machine's order
      BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 8),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kLengthLow),
      BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 4),  // more than one message: let pass
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNameAt),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kUpnp, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kNameAt + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kD, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &whole, sizeof whole) == 0;
}

bool names_our_table(const nlmsghdr& message) {
  if (message.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES) return false;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg) + sizeof(nlattr)) return false;
  const auto* head = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message));
  const auto* name =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(nfgenmsg)));
  const auto left = static_cast<int>(mnl_nlmsg_get_payload_len(&message) - sizeof(nfgenmsg));
  if (head->nfgen_family != NFPROTO_INET || !mnl_attr_ok(name, left)) return false;
  return mnl_attr_get_type(name) == kTableName &&
         mnl_attr_get_payload_len(name) == std::strlen(kTable) + 1 &&
         std::memcmp(mnl_attr_get_payload(name), kTable, std::strlen(kTable) + 1) == 0;
}

}  // namespace

std::expected<TableWatch, NetlinkError> TableWatch::open(std::uint32_t own_port_id) {
  // The filter comes before the group: nothing is heard that it has not seen.
  auto events = NlSocket::open(NETLINK_NETFILTER);
  if (!events) return std::unexpected(events.error());
  ::setsockopt(events->fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveQueue, sizeof kReceiveQueue);
  TableWatch watch(*std::move(events));
  if (!attach_filter(watch.fd(), own_port_id) || !watch.listen(true))
    return std::unexpected(NetlinkError{errno, "watching nf_tables"});
  return watch;
}

bool TableWatch::listen(bool yes) const {
  const int group = NFNLGRP_NFTABLES;
  const int option = yes ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
  return ::setsockopt(fd(), SOL_NETLINK, option, &group, sizeof group) == 0;
}

std::expected<std::uint32_t, NetlinkError> TableWatch::generation_of(NlSocket& requests) {
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN, NLM_F_ACK, NFPROTO_UNSPEC);
  std::uint32_t generation = 0;
  const auto asked = requests.ask(request.header(), [&](const nlmsghdr& message) {
    const auto* id =
        static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(nfgenmsg)));
    const std::size_t head = sizeof(nfgenmsg) + sizeof(nlattr) + sizeof generation;
    if (mnl_nlmsg_get_payload_len(&message) >= head && mnl_attr_get_type(id) == NFTA_GEN_ID)
      generation = ntohl(mnl_attr_get_u32(id));
  });
  if (!asked) return std::unexpected(asked.error());
  return generation;
}

ForeignChange TableWatch::drain() {
  bool ours = false;
  const auto received = events_.receive_waiting(
      [&](const nlmsghdr& message) { ours = ours || names_our_table(message); }, kMostAtOnce);
  const bool missed = std::exchange(missed_, false);
  if (ours) return ForeignChange::Ours;
  return received && !missed ? ForeignChange::None : ForeignChange::Lost;
}

}  // namespace upnpd::kernel
