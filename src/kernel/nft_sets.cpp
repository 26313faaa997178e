#include "nft_sets.h"

#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>

namespace upnpd::kernel {
namespace {

constexpr DataType kAddress{7, 4};       // ipv4_addr
constexpr DataType kIpv6Address{8, 16};  // ipv6_addr
constexpr DataType kProtocol{12, 1};     // inet_proto
constexpr DataType kService{13, 2};      // inet_service
constexpr DataType kInterface{41, 16};   // ifname

// first . second ...: each field starts at a multiple of four bytes.
template <class... Types>
constexpr DataType concatenated(Types... types) {
  DataType whole;
  ((whole = {whole.number << 6 | types.number, whole.bytes + (types.bytes + 3) / 4 * 4}), ...);
  return whole;
}

constexpr std::uint32_t kHostOrder = 1;
constexpr std::uint32_t kNetworkOrder = 2;

constexpr std::uint32_t kTimedMap = NFT_SET_MAP | NFT_SET_TIMEOUT;

}  // namespace

const std::array<SetDefinition, kSetCount> kSets{{
    // set external_addresses { type ipv4_addr }
    {.name = kExternalAddresses, .key = kAddress, .key_byte_order = kNetworkOrder},
    // set lan_networks { type ipv4_addr; flags interval }
    {.name = kLanNetworks,
     .flags = NFT_SET_INTERVAL,
     .key = kAddress,
     .key_byte_order = kNetworkOrder},
    // set wan_interfaces { type ifname }
    {.name = kWanInterfaces, .key = kInterface, .key_byte_order = kHostOrder},
    // set lan_ports { type ifname . inet_proto . inet_service }
    {.name = kLanPorts, .key = concatenated(kInterface, kProtocol, kService)},
    // set guarded_ports { type inet_proto . inet_service }
    {.name = kGuardedPorts, .key = concatenated(kProtocol, kService)},
    // map mappings {
    //   type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; counter }
    {.name = kMappings,
     .flags = kTimedMap,
     .key = concatenated(kProtocol, kService),
     .data = concatenated(kAddress, kService),
     .has_counter = true},
    // map remote_mappings {
    //   type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; flags timeout;
    //   counter }
    {.name = kRemoteMappings,
     .flags = kTimedMap,
     .key = concatenated(kAddress, kProtocol, kService),
     .data = concatenated(kAddress, kService),
     .has_counter = true},
    // map source_ports { type ipv4_addr . inet_proto . inet_service : inet_service; flags timeout }
    {.name = kSourcePorts,
     .flags = kTimedMap,
     .key = concatenated(kAddress, kProtocol, kService),
     .data = kService},
    // set mapped_clients { type ipv4_addr . inet_proto . inet_service; flags timeout }
    {.name = kMappedClients,
     .flags = NFT_SET_TIMEOUT,
     .key = concatenated(kAddress, kProtocol, kService)},
    // set begun_flows {
    //   type ipv4_addr . inet_proto . inet_service . ipv4_addr . inet_service;
    //   flags dynamic,timeout; timeout 5s; size 4096 }
    {.name = kBegunFlows,
     .flags = NFT_SET_EVAL | NFT_SET_TIMEOUT,
     .key = concatenated(kAddress, kProtocol, kService, kAddress, kService),
     .timeout = std::chrono::seconds(5),
     .size = 4096},
    // set pinholes { type ipv6_addr . inet_proto . inet_service; flags timeout; counter }
    {.name = kPinholes,
     .flags = NFT_SET_TIMEOUT,
     .key = concatenated(kIpv6Address, kProtocol, kService),
     .has_counter = true},
    // set port_pinholes { type ipv6_addr . inet_proto . inet_service . inet_service; ... }
    {.name = kPortPinholes,
     .flags = NFT_SET_TIMEOUT,
     .key = concatenated(kIpv6Address, kProtocol, kService, kService),
     .has_counter = true},
    // set host_pinholes { type ipv6_addr . inet_proto . inet_service . ipv6_addr; ... }
    {.name = kHostPinholes,
     .flags = NFT_SET_TIMEOUT,
     .key = concatenated(kIpv6Address, kProtocol, kService, kIpv6Address),
     .has_counter = true},
    // set host_port_pinholes {
    //   type ipv6_addr . inet_proto . inet_service . ipv6_addr . inet_service; ... }
    {.name = kHostPortPinholes,
     .flags = NFT_SET_TIMEOUT,
     .key = concatenated(kIpv6Address, kProtocol, kService, kIpv6Address, kService),
     .has_counter = true},
    // set search_rate { type ipv4_addr; flags dynamic,timeout; timeout 10s; size 4096 }
    {.name = kSearchRate,
     .flags = NFT_SET_EVAL | NFT_SET_TIMEOUT,
     .key = kAddress,
     .key_byte_order = kNetworkOrder,
     .timeout = std::chrono::seconds(10),
     .size = 4096},
    // set search_rate6 { type ipv6_addr; flags dynamic,timeout; timeout 10s; size 4096 }
    {.name = kIpv6SearchRate,
     .flags = NFT_SET_EVAL | NFT_SET_TIMEOUT,
     .key = kIpv6Address,
     .key_byte_order = kNetworkOrder,
     .timeout = std::chrono::seconds(10),
     .size = 4096},
}};

Owned<nftnl_set> make_set(const SetDefinition& definition, std::uint32_t id) {
  auto set = own(nftnl_set_alloc());
  nftnl_set* s = set.get();
  nftnl_set_set_str(s, NFTNL_SET_TABLE, kTable);
  nftnl_set_set_str(s, NFTNL_SET_NAME, definition.name);
  nftnl_set_set_u32(s, NFTNL_SET_FAMILY, NFPROTO_INET);
  nftnl_set_set_u32(s, NFTNL_SET_ID, id);
  nftnl_set_set_u32(s, NFTNL_SET_FLAGS, definition.flags);
  nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, definition.key.number);
  nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, definition.key.bytes);
  if (definition.data.bytes != 0) {
    nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, definition.data.number);
    nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, definition.data.bytes);
  }
  if (definition.timeout.count() != 0)
    nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, static_cast<std::uint64_t>(definition.timeout.count()));
  if (definition.size != 0) nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, definition.size);
  if (definition.has_counter) nftnl_set_add_expr(s, own(nftnl_expr_alloc("counter")).release());
  if (definition.key_byte_order != 0) {
    std::array<std::uint8_t, 6> userdata{NFTNL_UDATA_SET_KEYBYTEORDER, 4};
    std::memcpy(&userdata[2], &definition.key_byte_order, 4);
    nftnl_set_set_data(s, NFTNL_SET_USERDATA, userdata.data(), userdata.size());
  }
  return set;
}

}  // namespace upnpd::kernel
