#include "nft_rule_builder.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include "nft_element.h"
#include "nft_sets.h"

namespace upnpd::kernel {
namespace {

std::uint32_t slot_register(unsigned slot) {
  return NFT_REG32_00 + slot;
}

Owned<nftnl_expr> expression(const char* name) {
  return own(nftnl_expr_alloc(name));
}

// operation @set { the key from slot 0 on }
Owned<nftnl_expr> dynset(const char* set, std::uint32_t operation) {
  auto e = expression("dynset");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_DYNSET_OP, operation);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_DYNSET_SREG_KEY, slot_register(0));
  nftnl_expr_set_str(e.get(), NFTNL_EXPR_DYNSET_SET_NAME, set);
  return e;
}

template <class Value>
std::span<const std::byte> bytes_of(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

RuleBuilder::RuleBuilder(const char* chain) : rule_(own(nftnl_rule_alloc())) {
  nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, NFPROTO_INET);
  nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, kTable);
  nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain);
}

void RuleBuilder::add(Owned<nftnl_expr> expression) {
  nftnl_rule_add_expr(rule_.get(), expression.release());
}

void RuleBuilder::payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length,
                          unsigned slot) {
  auto e = expression("payload");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_PAYLOAD_BASE, base);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_PAYLOAD_OFFSET, offset);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_PAYLOAD_LEN, length);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_PAYLOAD_DREG, slot_register(slot));
  add(std::move(e));
}

void RuleBuilder::load_ct(std::uint32_t key) {
  auto e = expression("ct");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CT_KEY, key);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CT_DREG, slot_register(0));
  add(std::move(e));
}

void RuleBuilder::compare(std::uint32_t operation, std::span<const std::byte> value) {
  auto e = expression("cmp");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CMP_SREG, slot_register(0));
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CMP_OP, operation);
  nftnl_expr_set_data(e.get(), NFTNL_EXPR_CMP_DATA, value.data(),
                      static_cast<std::uint32_t>(value.size()));
  add(std::move(e));
}

void RuleBuilder::lookup(const char* set, bool inverted, bool to_data) {
  auto e = expression("lookup");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_LOOKUP_SREG, slot_register(0));
  nftnl_expr_set_str(e.get(), NFTNL_EXPR_LOOKUP_SET, set);
  if (to_data) nftnl_expr_set_u32(e.get(), NFTNL_EXPR_LOOKUP_DREG, slot_register(0));
  if (inverted) nftnl_expr_set_u32(e.get(), NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  add(std::move(e));
}

void RuleBuilder::verdict(std::uint32_t code) {
  auto e = expression("immediate");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_IMM_VERDICT, code);
  add(std::move(e));
}

void RuleBuilder::immediate(std::uint32_t value) {
  auto e = expression("immediate");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_IMM_DREG, slot_register(0));
  nftnl_expr_set_data(e.get(), NFTNL_EXPR_IMM_DATA, &value, sizeof value);
  add(std::move(e));
}

RuleBuilder& RuleBuilder::load_source_address(unsigned slot) {
  payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_destination_address(unsigned slot) {
  payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_ipv6_source_address(unsigned slot) {
  payload(NFT_PAYLOAD_NETWORK_HEADER, 8, 16, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_ipv6_destination_address(unsigned slot) {
  payload(NFT_PAYLOAD_NETWORK_HEADER, 24, 16, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_ip_protocol(unsigned slot) {
  payload(NFT_PAYLOAD_NETWORK_HEADER, 9, 1, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_source_port(unsigned slot) {
  payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, slot);
  return *this;
}
RuleBuilder& RuleBuilder::load_destination_port(unsigned slot) {
  payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, slot);
  return *this;
}

RuleBuilder& RuleBuilder::load_meta(std::uint32_t key, unsigned slot) {
  auto e = expression("meta");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_META_KEY, key);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_META_DREG, slot_register(slot));
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::load_original_destination() {
  auto e = expression("ct");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CT_KEY, NFT_CT_DST_IP);
  nftnl_expr_set_u8(e.get(), NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_CT_DREG, slot_register(0));
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::if_ipv4() {
  load_meta(NFT_META_NFPROTO, 0);
  compare(NFT_CMP_EQ, bytes_of(std::uint8_t{NFPROTO_IPV4}));
  return *this;
}

RuleBuilder& RuleBuilder::if_ipv6() {
  load_meta(NFT_META_NFPROTO, 0);
  compare(NFT_CMP_EQ, bytes_of(std::uint8_t{NFPROTO_IPV6}));
  return *this;
}

RuleBuilder& RuleBuilder::if_mark(std::uint32_t mark) {
  load_meta(NFT_META_MARK, 0);
  compare(NFT_CMP_EQ, bytes_of(mark));
  return *this;
}

RuleBuilder& RuleBuilder::if_input_interface(std::string_view name) {
  const Fields padded = Fields().interface(name);
  load_meta(NFT_META_IIFNAME, 0);
  compare(NFT_CMP_EQ, padded.bytes());
  return *this;
}

RuleBuilder& RuleBuilder::if_protocol(Protocol protocol) {
  load_meta(NFT_META_L4PROTO, 0);
  compare(NFT_CMP_EQ, bytes_of(protocol));
  return *this;
}

RuleBuilder& RuleBuilder::if_udp_to(std::uint16_t port) {
  if_protocol(Protocol::UDP);
  load_destination_port(0);
  compare(NFT_CMP_EQ, bytes_of(htobe16(port)));
  return *this;
}

RuleBuilder& RuleBuilder::if_udp_length(std::uint16_t length) {
  payload(NFT_PAYLOAD_TRANSPORT_HEADER, 4, 2, 0);
  compare(NFT_CMP_EQ, bytes_of(htobe16(length)));
  return *this;
}

RuleBuilder& RuleBuilder::if_any_ct_bit(std::uint32_t key, std::uint32_t bits) {
  load_ct(key);
  constexpr std::uint32_t kZero = 0;
  auto mask = expression("bitwise");
  nftnl_expr_set_u32(mask.get(), NFTNL_EXPR_BITWISE_SREG, slot_register(0));
  nftnl_expr_set_u32(mask.get(), NFTNL_EXPR_BITWISE_DREG, slot_register(0));
  nftnl_expr_set_u32(mask.get(), NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
  nftnl_expr_set_u32(mask.get(), NFTNL_EXPR_BITWISE_LEN, sizeof bits);
  nftnl_expr_set_data(mask.get(), NFTNL_EXPR_BITWISE_MASK, &bits, sizeof bits);
  nftnl_expr_set_data(mask.get(), NFTNL_EXPR_BITWISE_XOR, &kZero, sizeof kZero);
  add(std::move(mask));
  compare(NFT_CMP_NEQ, bytes_of(kZero));
  return *this;
}

RuleBuilder& RuleBuilder::if_ct_original() {
  load_ct(NFT_CT_DIRECTION);
  compare(NFT_CMP_EQ, bytes_of(std::uint8_t{IP_CT_DIR_ORIGINAL}));
  return *this;
}

RuleBuilder& RuleBuilder::if_in(const char* set) {
  lookup(set, false, false);
  return *this;
}
RuleBuilder& RuleBuilder::if_not_in(const char* set) {
  lookup(set, true, false);
  return *this;
}
RuleBuilder& RuleBuilder::if_mapped(const char* map) {
  lookup(map, false, true);
  return *this;
}

RuleBuilder& RuleBuilder::dnat_to_address_and_port() {
  auto e = expression("nat");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_NAT_REG_ADDR_MIN, slot_register(0));
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_NAT_REG_PROTO_MIN, slot_register(1));
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::masquerade() {
  add(expression("masq"));
  return *this;
}

RuleBuilder& RuleBuilder::masquerade_to_port() {
  auto e = expression("masq");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_MASQ_REG_PROTO_MIN, slot_register(0));
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::set_mark(std::uint32_t mark) {
  immediate(mark);
  auto e = expression("meta");
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_META_KEY, NFT_META_MARK);
  nftnl_expr_set_u32(e.get(), NFTNL_EXPR_META_SREG, slot_register(0));
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::add_to(const char* set) {
  add(dynset(set, NFT_DYNSET_OP_ADD));
  return *this;
}

RuleBuilder& RuleBuilder::if_over_rate(const char* set, std::uint64_t rate, std::uint32_t burst) {
  constexpr std::uint64_t kSecond = 1;
  auto limit = expression("limit");
  nftnl_expr_set_u64(limit.get(), NFTNL_EXPR_LIMIT_RATE, rate);
  nftnl_expr_set_u64(limit.get(), NFTNL_EXPR_LIMIT_UNIT, kSecond);
  nftnl_expr_set_u32(limit.get(), NFTNL_EXPR_LIMIT_BURST, burst);
  nftnl_expr_set_u32(limit.get(), NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
  nftnl_expr_set_u32(limit.get(), NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
  auto e = dynset(set, NFT_DYNSET_OP_UPDATE);
  nftnl_expr_add_expr(e.get(), NFTNL_EXPR_DYNSET_EXPR, limit.release());
  add(std::move(e));
  return *this;
}

RuleBuilder& RuleBuilder::accept() {
  verdict(NF_ACCEPT);
  return *this;
}
RuleBuilder& RuleBuilder::drop() {
  verdict(NF_DROP);
  return *this;
}

}  // namespace upnpd::kernel
