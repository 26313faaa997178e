#include "nft_map.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

#include "options.h"

namespace upnpd::bench {
namespace {

struct FreeSet {
  void operator()(nftnl_set* set) const { nftnl_set_free(set); }
};

void add_element(nftnl_set& set, std::uint16_t port) {
  const std::uint16_t key = htons(port);
  const std::uint32_t data = htonl(0xc0a84d0a);
  nftnl_set_elem* const element = nftnl_set_elem_alloc();
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &key, sizeof key);
  nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, &data, sizeof data);
  nftnl_set_elem_add(&set, element);
}

}  // namespace

void NftMap::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

NftMap::NftMap(const char* table, const char* map)
    : socket_(mnl_socket_open(NETLINK_NETFILTER)), table_(table), map_(map), buffer_(64 * 1024) {
  if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0)
    fail_with_errno("netlink");
}

void NftMap::add(std::uint16_t port, unsigned count) {
  const std::unique_ptr<nftnl_set, FreeSet> set(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, table_);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, map_);
  for (unsigned i = 0; i < count; ++i)
    add_element(*set, static_cast<std::uint16_t>(port + i));

  mnl_nlmsg_batch* const batch = mnl_nlmsg_batch_start(buffer_.data(), buffer_.size());
  nftnl_batch_begin(static_cast<char*>(mnl_nlmsg_batch_current(batch)), ++sequence_);
  mnl_nlmsg_batch_next(batch);
  nlmsghdr* const message =
      nftnl_nlmsg_build_hdr(static_cast<char*>(mnl_nlmsg_batch_current(batch)), NFT_MSG_NEWSETELEM,
                            NFPROTO_INET, NLM_F_CREATE | NLM_F_ACK, ++sequence_);
  nftnl_set_elems_nlmsg_build_payload(message, set.get());
  mnl_nlmsg_batch_next(batch);
  nftnl_batch_end(static_cast<char*>(mnl_nlmsg_batch_current(batch)), ++sequence_);
  mnl_nlmsg_batch_next(batch);
  const auto sent =
      mnl_socket_sendto(socket_.get(), mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch));
  mnl_nlmsg_batch_stop(batch);
  if (sent < 0) fail_with_errno("netlink");

  std::vector<char> answer(8192);
  const auto length = mnl_socket_recvfrom(socket_.get(), answer.data(), answer.size());
  if (length < 0 || mnl_cb_run(answer.data(), static_cast<std::size_t>(length), sequence_ - 1,
                               mnl_socket_get_portid(socket_.get()), nullptr, nullptr) < 0)
    fail_with_errno("an element");
}

}  // namespace upnpd::bench
