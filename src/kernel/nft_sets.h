// The sets and maps of `table inet upnpd`: everything that varies is in them, the rules are
// constant.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "nft_owner.h"

namespace upnpd::kernel {

inline constexpr const char* kTable = "upnpd";

inline constexpr const char* kExternalAddresses = "external_addresses";  // of the WAN interfaces
inline constexpr const char* kLanNetworks = "lan_networks";
inline constexpr const char* kWanInterfaces = "wan_interfaces";
inline constexpr const char* kLanPorts = "lan_ports";  // LAN, protocol and port that are open to it
inline constexpr const char* kGuardedPorts =
    "guarded_ports";                                  // every protocol and port in lan_ports
inline constexpr const char* kMappings = "mappings";  // those for any RemoteHost
inline constexpr const char* kRemoteMappings = "remote_mappings";  // those for one RemoteHost
inline constexpr const char* kSourcePorts =
    "source_ports";  // the port an endpoint's traffic leaves by
inline constexpr const char* kMappedClients = "mapped_clients";  // endpoints that mappings lead to
// What those have begun in the last seconds, each to one endpoint.
inline constexpr const char* kBegunFlows = "begun_flows";
// Pinholes, by what they are open to: any RemoteHost and RemotePort, one port, one host, or both.
inline constexpr const char* kPinholes = "pinholes";
inline constexpr const char* kPortPinholes = "port_pinholes";
inline constexpr const char* kHostPinholes = "host_pinholes";
inline constexpr const char* kHostPortPinholes = "host_port_pinholes";
// Who searches, and how often.
inline constexpr const char* kSearchRate = "search_rate";
inline constexpr const char* kIpv6SearchRate = "search_rate6";

// A type of keys or data by nft's own numbers (its datatype.h); a concatenation's is those of its
// fields, six bits each. The kernel only stores it, for nft to print elements by.
struct DataType {
  std::uint32_t number = 0;
  std::uint32_t bytes = 0;
};

// A set as nft declares it.
struct SetDefinition {
  const char* name;
  std::uint32_t flags = 0;  // NFT_SET_...
  DataType key;
  DataType data = {};                      // of a map
  std::uint32_t key_byte_order = 0;        // nft's enum byteorder; 0: a concatenation
  bool has_counter = false;                // one for each element
  std::chrono::milliseconds timeout = {};  // of elements that come without; 0: none
  std::uint32_t size = 0;                  // 0: no limit
};

inline constexpr std::size_t kSetCount = 16;
extern const std::array<SetDefinition, kSetCount> kSets;

// The library's object for `definition`. `id` tells it apart within the batch that creates it.
Owned<nftnl_set> make_set(const SetDefinition& definition, std::uint32_t id);

}  // namespace upnpd::kernel
