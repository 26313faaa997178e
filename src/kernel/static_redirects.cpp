#include "static_redirects.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>

#include "nft_sets.h"
#include "nl_request.h"

namespace upnpd::kernel {
namespace {

constexpr int kDeepest = 16;  // NFT_JUMP_STACK_SIZE
constexpr int kMostVisits = 10'000;

struct TableName {
  std::uint32_t family;
  std::string name;
  friend auto operator<=>(const TableName&, const TableName&) = default;
};

// The name of each chain that sees packets before routing, by its table.
std::expected<std::map<TableName, std::vector<std::string>>, NetlinkError> dump_nat_chains(
    NlSocket& socket) {
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETCHAIN, NLM_F_DUMP, NFPROTO_UNSPEC);
  std::map<TableName, std::vector<std::string>> found;
  const auto answered = socket.ask(request.header(), [&](const nlmsghdr& message) {
    const auto chain = own(nftnl_chain_alloc());
    if (nftnl_chain_nlmsg_parse(&message, chain.get()) < 0) return;
    const std::uint32_t family = nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_FAMILY);
    const char* const type = nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TYPE);
    const bool sees_ipv4 = family == NFPROTO_INET || family == NFPROTO_IPV4;
    if (!sees_ipv4 || type == nullptr || std::string_view(type) != "nat" ||
        nftnl_chain_get_u32(chain.get(), NFTNL_CHAIN_HOOKNUM) != NF_INET_PRE_ROUTING)
      return;
    const TableName table{family, nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_TABLE)};
    if (table != TableName{NFPROTO_INET, kTable})
      found[table].emplace_back(nftnl_chain_get_str(chain.get(), NFTNL_CHAIN_NAME));
  });
  if (!answered) return std::unexpected(answered.error());
  return found;
}

struct SetElement {
  std::vector<std::byte> key;
  std::vector<std::byte> key_end;  // of an interval in a concatenation
  bool is_interval_end;            // key is the first one behind an interval
};

std::vector<std::byte> bytes_of(nftnl_set_elem* element, std::uint16_t attribute) {
  if (!nftnl_set_elem_is_set(element, attribute)) return {};
  std::uint32_t size = 0;
  const auto* const first =
      static_cast<const std::byte*>(nftnl_set_elem_get(element, attribute, &size));
  return {first, first + size};
}

int take_element(nftnl_set_elem* element, void* elements) {
  const bool is_end =
      nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS) &&
      (nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0;
  static_cast<std::vector<SetElement>*>(elements)->push_back(
      {bytes_of(element, NFTNL_SET_ELEM_KEY), bytes_of(element, NFTNL_SET_ELEM_KEY_END), is_end});
  return 0;
}

std::optional<std::uint16_t> port_at(const std::vector<std::byte>& key, std::size_t offset) {
  if (key.size() < offset + 2) return std::nullopt;
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(key[offset]) << 8 |
                                    std::to_integer<unsigned>(key[offset + 1]));
}

// Intervals of a set without concatenation are their starts and ends, in any order.
std::vector<PortInterval> joined(std::vector<std::pair<std::uint16_t, bool>> ends) {
  std::ranges::sort(ends);
  std::vector<PortInterval> intervals;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto [port, is_end] = ends[i];
    if (is_end) continue;
    const bool closes = i + 1 < ends.size() && ends[i + 1].second;
    intervals.push_back(
        {port, closes ? static_cast<std::uint16_t>(ends[i + 1].first - 1) : std::uint16_t{65535}});
  }
  return intervals;
}

std::vector<PortInterval> intervals_in(const std::vector<SetElement>& elements,
                                       std::size_t offset) {
  const bool has_ends = std::ranges::any_of(elements, &SetElement::is_interval_end);
  std::vector<PortInterval> intervals;
  std::vector<std::pair<std::uint16_t, bool>> ends;
  for (const SetElement& element : elements) {
    const auto port = port_at(element.key, offset);
    if (!port) continue;
    if (has_ends)
      ends.emplace_back(*port, element.is_interval_end);
    else
      intervals.push_back({*port, port_at(element.key_end, offset).value_or(*port)});
  }
  return has_ends ? joined(std::move(ends)) : intervals;
}

// The rules of one table, followed from its nat chains.
class TableWalk {
 public:
  TableWalk(NlSocket& socket, TableName table, const WanNames& wan)
      : socket_(socket), table_(std::move(table)), wan_(wan) {}

  std::expected<void, NetlinkError> load_rules();
  void follow(const std::string& chain, const TakenPackets& before, int depth);
  std::vector<StaticRedirect> take() { return std::move(found_); }

 private:
  std::optional<std::vector<PortInterval>> ports_of(const std::string& set, std::size_t offset);
  void note(const TakenPackets& taken);

  NlSocket& socket_;
  TableName table_;
  const WanNames& wan_;
  std::map<std::string, std::vector<Owned<nftnl_rule>>> rules_;  // by chain
  std::map<std::string, std::vector<SetElement>> sets_;
  std::vector<StaticRedirect> found_;
  int visits_ = 0;
};

std::expected<void, NetlinkError> TableWalk::load_rules() {
  const auto wanted = own(nftnl_rule_alloc());
  nftnl_rule_set_str(wanted.get(), NFTNL_RULE_TABLE, table_.name.c_str());
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETRULE, NLM_F_DUMP,
                           static_cast<int>(table_.family));
  nftnl_rule_nlmsg_build_payload(&request.header(), wanted.get());
  return socket_.ask(request.header(), [&](const nlmsghdr& message) {
    auto rule = own(nftnl_rule_alloc());
    if (nftnl_rule_nlmsg_parse(&message, rule.get()) < 0) return;
    const char* const chain = nftnl_rule_get_str(rule.get(), NFTNL_RULE_CHAIN);
    const char* const table = nftnl_rule_get_str(rule.get(), NFTNL_RULE_TABLE);
    if (chain != nullptr && table != nullptr && table == table_.name)
      rules_[chain].push_back(std::move(rule));
  });
}

std::optional<std::vector<PortInterval>> TableWalk::ports_of(const std::string& set,
                                                             std::size_t offset) {
  if (const auto known = sets_.find(set); known != sets_.end())
    return intervals_in(known->second, offset);
  const auto wanted = own(nftnl_set_alloc());
  nftnl_set_set_str(wanted.get(), NFTNL_SET_TABLE, table_.name.c_str());
  nftnl_set_set_str(wanted.get(), NFTNL_SET_NAME, set.c_str());
  NetfilterRequest request(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETSETELEM, NLM_F_DUMP,
                           static_cast<int>(table_.family));
  nftnl_set_elems_nlmsg_build_payload(&request.header(), wanted.get());
  std::vector<SetElement> elements;
  const auto answered = socket_.ask(request.header(), [&](const nlmsghdr& message) {
    const auto part = own(nftnl_set_alloc());
    if (nftnl_set_elems_nlmsg_parse(&message, part.get()) >= 0)
      nftnl_set_elem_foreach(part.get(), take_element, &elements);
  });
  if (!answered) return std::nullopt;
  return intervals_in(sets_.emplace(set, std::move(elements)).first->second, offset);
}

void TableWalk::follow(const std::string& chain, const TakenPackets& before, int depth) {
  const auto rules = rules_.find(chain);
  if (rules == rules_.end() || depth > kDeepest) return;
  for (const auto& rule : rules->second) {
    if (++visits_ > kMostVisits) return;
    const RedirectRule read = read_redirect_rule(
        rule.get(), before, wan_,
        [this](const std::string& set, std::size_t offset) { return ports_of(set, offset); });
    if (!read.taken.from_wan) continue;
    if (read.redirects) note(read.taken);
    if (read.jump) follow(*read.jump, read.taken, depth + 1);
  }
}

void TableWalk::note(const TakenPackets& taken) {
  if (!taken.ports) return;
  for (const PortInterval& ports : *taken.ports)
    found_.push_back({taken.protocol, ports});
}

std::expected<std::vector<StaticRedirect>, NetlinkError> dump_once(NlSocket& socket,
                                                                   const WanNames& wan) {
  const auto chains = dump_nat_chains(socket);
  if (!chains) return std::unexpected(chains.error());
  std::vector<StaticRedirect> found;
  for (const auto& [table, names] : *chains) {
    TableWalk walk(socket, table, wan);
    if (const auto loaded = walk.load_rules(); !loaded) return std::unexpected(loaded.error());
    for (const std::string& name : names)
      walk.follow(name, {}, 0);
    std::ranges::move(walk.take(), std::back_inserter(found));
  }
  return found;
}

}  // namespace

std::expected<std::vector<StaticRedirect>, NetlinkError> dump_static_redirects(
    NlSocket& socket, const WanNames& wan) {
  return until_uninterrupted([&] { return dump_once(socket, wan); });
}

}  // namespace upnpd::kernel
