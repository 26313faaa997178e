#include "nft_batch.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <string_view>

namespace upnpd::kernel {
namespace {

// More than the longest message has: a rule of some 15 expressions takes 1 KiB, and elements share
// one up to kMostOfRun.
constexpr std::size_t kLongestMessage = 16 * 1024;
constexpr std::size_t kMostOfRun = 12 * 1024;
// More than the heads of an element's attributes take, and its numbers.
constexpr std::size_t kAttributesOfElement = 128;

Owned<nftnl_table> make_table(const char* name) {
  auto table = own(nftnl_table_alloc());
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name);
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FAMILY, NFPROTO_INET);
  return table;
}

Owned<nftnl_set> make_set_name(const char* name) {
  auto set = own(nftnl_set_alloc());
  nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name);
  nftnl_set_set_u32(set.get(), NFTNL_SET_FAMILY, NFPROTO_INET);
  return set;
}

void set_bytes(nftnl_set_elem* element, std::uint16_t attribute, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  nftnl_set_elem_set(element, attribute, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

Owned<nftnl_set_elem> make_element(const Element& element) {
  auto e = own(nftnl_set_elem_alloc());
  set_bytes(e.get(), NFTNL_SET_ELEM_KEY, element.key.bytes());
  set_bytes(e.get(), NFTNL_SET_ELEM_DATA, element.data.bytes());
  set_bytes(e.get(), NFTNL_SET_ELEM_USERDATA, element.userdata);
  if (element.lifetime)
    nftnl_set_elem_set_u64(e.get(), NFTNL_SET_ELEM_TIMEOUT,
                           static_cast<std::uint64_t>(element.lifetime->count()));
  if (element.traffic.packets != 0) {
    auto counter = own(nftnl_expr_alloc("counter"));
    nftnl_expr_set_u64(counter.get(), NFTNL_EXPR_CTR_PACKETS, element.traffic.packets);
    nftnl_expr_set_u64(counter.get(), NFTNL_EXPR_CTR_BYTES, element.traffic.bytes);
    nftnl_set_elem_add_expr(e.get(), counter.release());
  }
  if (element.is_interval_end)
    nftnl_set_elem_set_u32(e.get(), NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
  return e;
}

}  // namespace

NftBatch::NftBatch() {
  used_ = NLMSG_ALIGN(nftnl_batch_begin(free_room(), 0)->nlmsg_len);
}

char* NftBatch::free_room() {
  if (bytes_.size() < used_ + kLongestMessage)
    bytes_.resize(std::max(2 * bytes_.size(), used_ + kLongestMessage));
  return bytes_.data() + used_;
}

// Whatever it is, elements may depend on it, or it on them.
nlmsghdr* NftBatch::begin_message(int type, int flags, Step step) {
  write_runs();
  return append_message(type, flags, step);
}

nlmsghdr* NftBatch::append_message(int type, int flags, Step step) {
  steps_.push_back(step);
  char* room = free_room();
  last_message_ = used_;
  return nftnl_nlmsg_build_hdr(room, static_cast<std::uint16_t>(type), NFPROTO_INET,
                               static_cast<std::uint16_t>(flags),
                               static_cast<std::uint32_t>(steps_.size()));
}

void NftBatch::add_table(const char* name) {
  add_table(*make_table(name), name);
}

void NftBatch::add_table(const char* name, std::uint32_t flags) {
  const auto table = make_table(name);
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, flags);
  add_table(*table, name);
}

void NftBatch::add_table(nftnl_table& table, const char* name) {
  nlmsghdr* message = begin_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, {"add table", name});
  nftnl_table_nlmsg_build_payload(message, &table);
  end_message(message);
}

void NftBatch::delete_table(const char* name) {
  const auto table = make_table(name);
  nlmsghdr* message = begin_message(NFT_MSG_DELTABLE, 0, {"delete table", name});
  nftnl_table_nlmsg_build_payload(message, table.get());
  end_message(message);
}

void NftBatch::add_set(const SetDefinition& definition) {
  const auto set = make_set(definition, ++set_count_);
  nlmsghdr* message = begin_message(NFT_MSG_NEWSET, NLM_F_CREATE, {"add set", definition.name});
  nftnl_set_nlmsg_build_payload(message, set.get());
  end_message(message);
}

void NftBatch::add_chain(const ChainDefinition& definition) {
  auto chain = own(nftnl_chain_alloc());
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, kTable);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, definition.name);
  nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, definition.type);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, definition.hook);
  nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, definition.priority);
  nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  nlmsghdr* message = begin_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE, {"add chain", definition.name});
  nftnl_chain_nlmsg_build_payload(message, chain.get());
  end_message(message);
}

void NftBatch::add_rule(nftnl_rule& rule) {
  nlmsghdr* message =
      begin_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, {"add rule to", "a chain"});
  nftnl_rule_nlmsg_build_payload(message, &rule);
  end_message(message);
}

void NftBatch::flush_rules() {
  auto rule = own(nftnl_rule_alloc());  // of no chain: of all
  nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, kTable);
  nlmsghdr* message = begin_message(NFT_MSG_DELRULE, 0, {"flush the rules of", kTable});
  nftnl_rule_nlmsg_build_payload(message, rule.get());
  end_message(message);
}

void NftBatch::change_element(int type, int flags, Step step, const Element& element) {
  const std::size_t bytes = element.key.bytes().size() + element.data.bytes().size() +
                            element.userdata.size() + kAttributesOfElement;
  Run& run = run_for(type, flags, step, bytes);
  nftnl_set_elem_add(run.elements.get(), make_element(element).release());
  run.bytes += bytes;
}

// Changes of one set stay in their order.
NftBatch::Run& NftBatch::run_for(int type, int flags, Step step, std::size_t bytes) {
  const std::string_view set = step.object;
  const auto same_set =
      std::ranges::find_if(runs_, [&](const Run& r) { return set == r.step.object; });
  if (same_set != runs_.end()) {
    if (same_set->type == type && same_set->flags == flags && same_set->bytes + bytes <= kMostOfRun)
      return *same_set;
    write(*same_set);
    runs_.erase(same_set);
  }
  return runs_.emplace_back(type, flags, step, make_set_name(step.object));
}

void NftBatch::write(const Run& run) {
  nlmsghdr* message = append_message(run.type, run.flags, run.step);
  nftnl_set_elems_nlmsg_build_payload(message, run.elements.get());
  end_message(message);
}

void NftBatch::write_runs() {
  for (const Run& run : runs_)
    write(run);
  runs_.clear();
}

void NftBatch::add_element(const char* set, const Element& element, Existing existing) {
  const int exclusive = existing == Existing::Refused ? NLM_F_EXCL : 0;
  change_element(NFT_MSG_NEWSETELEM, NLM_F_CREATE | exclusive, {"add element to", set}, element);
}

void NftBatch::delete_element(const char* set, const Element& element) {
  const Element key{.key = element.key, .is_interval_end = element.is_interval_end};
  change_element(NFT_MSG_DELSETELEM, 0, {"delete element from", set}, key);
}

void NftBatch::flush_set(const char* set) {
  const auto name = make_set_name(set);
  nlmsghdr* message = begin_message(NFT_MSG_DELSETELEM, 0, {"flush", set});
  nftnl_set_elems_nlmsg_build_payload(message, name.get());
  end_message(message);
}

std::span<const std::byte> NftBatch::finish() {
  write_runs();
  if (!steps_.empty()) {
    auto* last = static_cast<nlmsghdr*>(static_cast<void*>(bytes_.data() + last_message_));
    last->nlmsg_flags |= NLM_F_ACK;
  }
  used_ += NLMSG_ALIGN(nftnl_batch_end(free_room(), 0)->nlmsg_len);
  return std::as_bytes(std::span(bytes_).first(used_));
}

std::string NftBatch::describe(std::uint32_t sequence) const {
  if (sequence == 0 || sequence > steps_.size()) return "nf_tables transaction";
  const Step& step = steps_[sequence - 1];
  return std::string(step.verb) + " " + step.object;
}

}  // namespace upnpd::kernel
