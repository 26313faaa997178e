#include "nft_inventory.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "nft_rules.h"
#include "nft_sets.h"
#include "nl_request.h"

namespace upnpd::kernel {
namespace {

bool is_chain(std::string_view name) {
  return std::ranges::any_of(kChains, [&](const auto& chain) { return name == chain.name; });
}
bool is_set(std::string_view name) {
  return std::ranges::any_of(kSets, [&](const auto& set) { return name == set.name; });
}
bool is_none(std::string_view) {
  return false;
}

// A kind of part: how it is asked for, and where its message has the table's and its own name.
struct Kind {
  std::uint16_t request;
  std::uint16_t table_attribute;
  std::uint16_t name_attribute;
  bool (*is_ours)(std::string_view name);
};
constexpr std::array<Kind, 4> kKinds{{
    {NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, is_chain},
    {NFT_MSG_GETSET, NFTA_SET_TABLE, NFTA_SET_NAME, is_set},
    {NFT_MSG_GETOBJ, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, is_none},
    {NFT_MSG_GETFLOWTABLE, NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME, is_none},
}};

bool is_strange(const nlmsghdr& message, const Kind& kind) {
  std::string_view table, name;
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(nfgenmsg)));
  const char* const end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message));
  for (; mnl_attr_ok(attribute, static_cast<int>(end - static_cast<const char*>(
                                                           static_cast<const void*>(attribute))));
       attribute = mnl_attr_next(attribute)) {
    if (mnl_attr_get_type(attribute) == kind.table_attribute) table = mnl_attr_get_str(attribute);
    if (mnl_attr_get_type(attribute) == kind.name_attribute) name = mnl_attr_get_str(attribute);
  }
  return table == kTable && !kind.is_ours(name);
}

std::expected<bool, NetlinkError> has_strange(NlSocket& socket, const Kind& kind) {
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, kind.request, NLM_F_DUMP, NFPROTO_INET);
  mnl_attr_put_strz(&request.header(), kind.table_attribute, kTable);
  bool found = false;
  const auto asked = socket.ask(request.header(), [&](const nlmsghdr& message) {
    found = found || is_strange(message, kind);
  });
  // A dump of sets is refused where there is no table.
  if (!asked && asked.error().error != ENOENT)
    return std::unexpected(NetlinkError{asked.error().error, "listing the parts of table upnpd"});
  return found;
}

}  // namespace

std::expected<bool, NetlinkError> has_strange_parts(NlSocket& socket) {
  for (const Kind& kind : kKinds) {
    const auto found = until_uninterrupted([&] { return has_strange(socket, kind); });
    if (!found || *found) return found;
  }
  return false;
}

}  // namespace upnpd::kernel
