#include "nft_rules.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "nft_rule_builder.h"
#include "nft_sets.h"

namespace upnpd::kernel {
namespace {

constexpr const char* kPrerouting = "prerouting";
constexpr const char* kPostrouting = "postrouting";
constexpr const char* kForwardMarking = "forward_mark";
constexpr const char* kForwardUnmarking = "forward_unmark";
constexpr const char* kGuard = "guard";

constexpr std::uint16_t kSearchPort = 1900;  // UDA 1.1 section 1.1.2
// nf_tables' bit of conntrack's state NEW: NF_CT_STATE_BIT(IP_CT_NEW).
constexpr std::uint32_t kStateNew = 1u << (IP_CT_NEW + 1);
constexpr std::uint32_t kStateEstablished = 1u << (IP_CT_ESTABLISHED + 1);

// ip daddr @external_addresses dnat ip to ip saddr . ip protocol . th dport map @remote_mappings
Owned<nftnl_rule> dnat_from_one_remote_host() {
  return RuleBuilder(kPrerouting)
      .if_ipv4()
      .load_destination_address(0)
      .if_in(kExternalAddresses)
      .load_source_address(0)
      .load_ip_protocol(1)
      .load_destination_port(2)
      .if_mapped(kRemoteMappings)
      .dnat_to_address_and_port()
      .take();
}

// ip daddr @external_addresses dnat ip to ip protocol . th dport map @mappings
Owned<nftnl_rule> dnat_from_any_remote_host() {
  return RuleBuilder(kPrerouting)
      .if_ipv4()
      .load_destination_address(0)
      .if_in(kExternalAddresses)
      .load_ip_protocol(0)
      .load_destination_port(1)
      .if_mapped(kMappings)
      .dnat_to_address_and_port()
      .take();
}

// ct status dnat ct original ip daddr @external_addresses
//   ip saddr @lan_networks ip daddr @lan_networks masquerade
//
// A LAN host that comes by the external address: its answer must come back through the router. What
// another table leads from one LAN to another is that table's.
Owned<nftnl_rule> masquerade_hairpin() {
  return RuleBuilder(kPostrouting)
      .if_any_ct_bit(NFT_CT_STATUS, IPS_DST_NAT)
      .if_ipv4()
      .load_original_destination()
      .if_in(kExternalAddresses)
      .load_source_address(0)
      .if_in(kLanNetworks)
      .load_destination_address(0)
      .if_in(kLanNetworks)
      .masquerade()
      .take();
}

// The key of an endpoint of the LAN that sends by a WAN, and of where it sends to. UDP alone: TCP
// may begin a connection for the second time because the first has ended.
RuleBuilder& load_udp_flow(RuleBuilder& rule) {
  return rule.load_meta(NFT_META_OIFNAME, 0)
      .if_in(kWanInterfaces)
      .if_protocol(Protocol::UDP)
      .if_ipv4()
      .load_source_address(0)
      .load_meta(NFT_META_L4PROTO, 1)
      .load_source_port(2)
      .load_destination_address(3)
      .load_destination_port(4);
}

// oifname @wan_interfaces meta l4proto udp
//   ip saddr . meta l4proto . udp sport . ip daddr . udp dport @begun_flows masquerade
//
// It begins for the second time: another host's flow has the external port towards there, and the
// kernel dropped the packet, since masquerade_by_external_port() leaves it no choice. So any port.
Owned<nftnl_rule> masquerade_by_any_port() {
  RuleBuilder rule(kPostrouting);
  return load_udp_flow(rule).if_in(kBegunFlows).masquerade().take();
}

// oifname @wan_interfaces meta l4proto udp ip saddr . meta l4proto . udp sport @mapped_clients
//   add @begun_flows { ip saddr . meta l4proto . udp sport . ip daddr . udp dport }
Owned<nftnl_rule> note_begun_flow() {
  RuleBuilder rule(kPostrouting);
  return load_udp_flow(rule).if_in(kMappedClients).add_to(kBegunFlows).take();
}

// oifname @wan_interfaces meta l4proto tcp
//   masquerade to :ip saddr . meta l4proto . tcp sport map @source_ports
//
// What is not found goes on to the rules of others. The key holds the protocol already; it is
// matched before for nft, which lists this rule without that but does not load it again.
Owned<nftnl_rule> masquerade_by_external_port(Protocol protocol) {
  return RuleBuilder(kPostrouting)
      .load_meta(NFT_META_OIFNAME, 0)
      .if_in(kWanInterfaces)
      .if_protocol(protocol)
      .if_ipv4()
      .load_source_address(0)
      .load_meta(NFT_META_L4PROTO, 1)
      .load_source_port(2)
      .if_mapped(kSourcePorts)
      .masquerade_to_port()
      .take();
}

// iifname @wan_interfaces oifname != @wan_interfaces ct state new ct status dnat
//   ip daddr . meta l4proto . th dport @mapped_clients meta mark set 0x55506e50
//
// A client whose network is found on the WAN's side now is none.
Owned<nftnl_rule> mark_mapped() {
  return RuleBuilder(kForwardMarking)
      .load_meta(NFT_META_IIFNAME, 0)
      .if_in(kWanInterfaces)
      .load_meta(NFT_META_OIFNAME, 0)
      .if_not_in(kWanInterfaces)
      .if_any_ct_bit(NFT_CT_STATE, kStateNew)
      .if_any_ct_bit(NFT_CT_STATUS, IPS_DST_NAT)
      .if_ipv4()
      .load_destination_address(0)
      .load_meta(NFT_META_L4PROTO, 1)
      .load_destination_port(2)
      .if_in(kMappedClients)
      .set_mark(kForwardMark)
      .take();
}

// iifname @wan_interfaces meta nfproto ipv6 ct direction original ct state new,established
//   ip6 daddr . meta l4proto . th dport [. ip6 saddr] [. th sport] @SET
//   ct state new meta mark set 0x55506e50
//
// Every packet from outside is looked up, so that the element counts it; what answers a LAN host is
// not, so that downloads cost nothing.
Owned<nftnl_rule> mark_pinholed(const char* set, bool by_remote_host, bool by_remote_port) {
  constexpr unsigned kAfterAddress = 4, kAfterEndpoint = 6;
  RuleBuilder rule(kForwardMarking);
  rule.load_meta(NFT_META_IIFNAME, 0)
      .if_in(kWanInterfaces)
      .if_ipv6()
      .if_ct_original()
      .if_any_ct_bit(NFT_CT_STATE, kStateNew | kStateEstablished)
      .load_ipv6_destination_address(0)
      .load_meta(NFT_META_L4PROTO, kAfterAddress)
      .load_destination_port(kAfterAddress + 1);
  if (by_remote_host) rule.load_ipv6_source_address(kAfterEndpoint);
  if (by_remote_port) rule.load_source_port(kAfterEndpoint + (by_remote_host ? 4 : 0));
  return rule.if_in(set).if_any_ct_bit(NFT_CT_STATE, kStateNew).set_mark(kForwardMark).take();
}

// meta mark 0x55506e50 meta mark set 0
Owned<nftnl_rule> unmark() {
  return RuleBuilder(kForwardUnmarking).if_mark(kForwardMark).set_mark(0).take();
}

// iifname "lo" accept
Owned<nftnl_rule> accept_loopback() {
  return RuleBuilder(kGuard).if_input_interface("lo").accept().take();
}

// meta l4proto . th dport @guarded_ports iifname . meta l4proto . th dport != @lan_ports drop
Owned<nftnl_rule> drop_from_elsewhere() {
  constexpr unsigned kAfterInterface = 4;
  return RuleBuilder(kGuard)
      .load_meta(NFT_META_L4PROTO, 0)
      .load_destination_port(1)
      .if_in(kGuardedPorts)
      .load_meta(NFT_META_IIFNAME, 0)
      .load_meta(NFT_META_L4PROTO, kAfterInterface)
      .load_destination_port(kAfterInterface + 1)
      .if_not_in(kLanPorts)
      .drop()
      .take();
}

// udp dport 1900 udp length 8 drop
//
// An empty datagram ends discovery in libupnp 1.14.18.
Owned<nftnl_rule> drop_empty_search() {
  return RuleBuilder(kGuard).if_udp_to(kSearchPort).if_udp_length(8).drop().take();
}

// udp dport 1900 update @search_rate { ip saddr limit rate over 50/second burst 100 packets } drop
Owned<nftnl_rule> drop_frequent_search() {
  return RuleBuilder(kGuard)
      .if_udp_to(kSearchPort)
      .if_ipv4()
      .load_source_address(0)
      .if_over_rate(kSearchRate, 50, 100)
      .drop()
      .take();
}

// udp dport 1900 update @search_rate6 { ip6 saddr limit rate over 50/second burst 100 packets }
// drop
Owned<nftnl_rule> drop_frequent_ipv6_search() {
  return RuleBuilder(kGuard)
      .if_udp_to(kSearchPort)
      .if_ipv6()
      .load_ipv6_source_address(0)
      .if_over_rate(kIpv6SearchRate, 50, 100)
      .drop()
      .take();
}

}  // namespace

// dstnat + 5: a redirect that another table makes by hand wins over a mapping. srcnat - 5: our port
// wins over another table's masquerade. filter - 5, filter + 20: around the other
// firewall's decision, which firewalld makes at filter + 10.
const std::array<ChainDefinition, kChainCount> kChains{{
    {kPrerouting, "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST + 5},
    {kPostrouting, "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 5},
    {kForwardMarking, "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 5},
    {kForwardUnmarking, "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER + 20},
    {kGuard, "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - 5},
}};

std::vector<Owned<nftnl_rule>> make_rules() {
  std::vector<Owned<nftnl_rule>> rules;
  rules.push_back(dnat_from_one_remote_host());
  rules.push_back(dnat_from_any_remote_host());
  rules.push_back(masquerade_hairpin());
  rules.push_back(masquerade_by_any_port());
  rules.push_back(note_begun_flow());
  rules.push_back(masquerade_by_external_port(Protocol::TCP));
  rules.push_back(masquerade_by_external_port(Protocol::UDP));
  rules.push_back(mark_mapped());
  rules.push_back(mark_pinholed(kPinholes, false, false));
  rules.push_back(mark_pinholed(kPortPinholes, false, true));
  rules.push_back(mark_pinholed(kHostPinholes, true, false));
  rules.push_back(mark_pinholed(kHostPortPinholes, true, true));
  rules.push_back(unmark());
  rules.push_back(accept_loopback());
  rules.push_back(drop_from_elsewhere());
  rules.push_back(drop_empty_search());
  rules.push_back(drop_frequent_search());
  rules.push_back(drop_frequent_ipv6_search());
  return rules;
}

}  // namespace upnpd::kernel
