// A rule, put together from nf_tables' expressions. Each method appends what its comment says in
// nft's words. Values travel through registers of four bytes: `slot` 0 to 15 names one, and a
// longer value takes those after it too; the fields of a concatenation lie side by side.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "nft_owner.h"
#include "upnpd/port_mapping.h"

namespace upnpd::kernel {

class RuleBuilder {
 public:
  explicit RuleBuilder(const char* chain);
  Owned<nftnl_rule> take() { return std::move(rule_); }

  // Loads a field of the packet.
  RuleBuilder& load_source_address(unsigned slot);            // ip saddr
  RuleBuilder& load_destination_address(unsigned slot);       // ip daddr
  RuleBuilder& load_ipv6_source_address(unsigned slot);       // ip6 saddr, four slots
  RuleBuilder& load_ipv6_destination_address(unsigned slot);  // ip6 daddr, four slots
  RuleBuilder& load_ip_protocol(unsigned slot);               // ip protocol
  RuleBuilder& load_source_port(unsigned slot);               // th sport
  RuleBuilder& load_destination_port(unsigned slot);          // th dport
  RuleBuilder& load_meta(std::uint32_t key, unsigned slot);   // meta ..., NFT_META_...
  RuleBuilder& load_original_destination();                   // ct original ip daddr, into slot 0

  // Goes on only when
  RuleBuilder& if_ipv4();                                  // meta nfproto ipv4
  RuleBuilder& if_ipv6();                                  // meta nfproto ipv6
  RuleBuilder& if_mark(std::uint32_t mark);                // meta mark ...
  RuleBuilder& if_input_interface(std::string_view name);  // iifname ...
  RuleBuilder& if_protocol(Protocol protocol);             // meta l4proto ...
  RuleBuilder& if_udp_to(std::uint16_t port);              // udp dport ...
  RuleBuilder& if_udp_length(std::uint16_t length);        // udp length ...
  RuleBuilder& if_any_ct_bit(std::uint32_t key,
                             std::uint32_t bits);  // ct status, ct state: NFT_CT_...
  RuleBuilder& if_ct_original();                   // ct direction original
  RuleBuilder& if_in(const char* set);             // the key from slot 0 on is in @set
  RuleBuilder& if_not_in(const char* set);         // != @set
  // The key from slot 0 on is in @map; its data then lies from slot 0 on.
  RuleBuilder& if_mapped(const char* map);

  // Does
  RuleBuilder& dnat_to_address_and_port();  // dnat ip to slot 0 : slot 1
  RuleBuilder& masquerade();
  RuleBuilder& masquerade_to_port();  // masquerade to :slot 0
  RuleBuilder& set_mark(std::uint32_t mark);
  RuleBuilder& add_to(const char* set);  // add @set { the key from slot 0 on }
  // update @set { slot 0 limit rate over `rate`/second burst `burst` packets }
  RuleBuilder& if_over_rate(const char* set, std::uint64_t rate, std::uint32_t burst);
  RuleBuilder& accept();
  RuleBuilder& drop();

 private:
  void add(Owned<nftnl_expr> expression);
  void payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length, unsigned slot);
  void load_ct(std::uint32_t key);
  void compare(std::uint32_t operation, std::span<const std::byte> value);
  void lookup(const char* set, bool inverted, bool to_data);
  void verdict(std::uint32_t code);
  void immediate(std::uint32_t value);
  Owned<nftnl_rule> rule_;
};

}  // namespace upnpd::kernel
