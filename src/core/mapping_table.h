// The port mappings there are, in memory: found by key, by place in a view, by endpoint, by when
// their lease ends; every one of them in logarithmic time or better, so that the table costs the
// same with one entry and with 60 000. It holds facts and takes no decision.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "expiry_heap.h"
#include "lan_host.h"
#include "upnpd/nat.h"
#include "upnpd/port_mapping.h"

namespace upnpd::core {

// External ports of one protocol, both ends included.
struct PortSpan {
  Protocol protocol;
  std::uint16_t first;
  std::uint16_t last;
};

class MappingTable {
 public:
  MappingTable() = default;
  MappingTable(const MappingTable&) = delete;  // the indexes point into the entries
  MappingTable& operator=(const MappingTable&) = delete;
  MappingTable(MappingTable&&) = default;
  MappingTable& operator=(MappingTable&&) = default;

  std::size_t size() const { return entries_.size(); }
  // How many mappings lead to `client`.
  std::size_t size_of(Ipv4Address client) const;
  // How many lead to one of `clients`, or were asked for by the host with this hardware address
  // when it had another IP address; each once.
  std::size_t size_of(std::span<const Ipv4Address> clients, const LanHost& host) const;

  // A pointer is good until that entry is next put or erased.
  const PortMapping* find(const PortMappingKey& key) const;
  const PortMapping* find(MappingId id) const;
  // A mapping of this protocol and external port, whatever its RemoteHost, that leads to another
  // host than `client`: the conflict of WANIPConnection:2 section 2.5.16.
  const PortMapping* find_conflict(Protocol protocol, ExternalPort port,
                                   InternalClient client) const;
  // The mapping at `index` among all, or among those that lead to `client`: contiguous arrays. On
  // removal the last one takes the freed place.
  const PortMapping* at(std::size_t index) const;
  const PortMapping* at(std::size_t index, Ipv4Address client) const;
  // Whether flows of `mapping` have a way still: an enabled mapping to the same endpoint, from the
  // same external port, for its RemoteHost or for any.
  bool covers(const PortMapping& mapping) const;
  // Calls `visit` for each mapping in `span`, in the order of ports and of RemoteHosts within one,
  // until it returns false.
  using Visit = std::function<bool(const PortMapping&)>;
  void visit(const PortSpan& span, const Visit& visit) const;
  // The same for those alone that lead to one of `clients`. Few of many are sorted for it, each
  // time.
  void visit(const PortSpan& span, std::span<const Ipv4Address> clients, const Visit& visit) const;
  // The first port from `start` on, going round through `first`..65535, that no mapping of
  // `protocol` uses and `acceptable` agrees to.
  std::optional<ExternalPort> free_port(Protocol protocol, ExternalPort start,
                                        const std::function<bool(ExternalPort)>& acceptable) const;

  // Puts `mapping` in, in the place of the one of the same key if there is one.
  void put(const PortMapping& mapping);
  void erase(const PortMappingKey& key);

  // The way out of `endpoint` that the enabled mappings to it make together: the external port of
  // the oldest one open to any RemoteHost (or else the oldest), forwarding until the last ends.
  std::optional<OutwardMapping> outward(const Endpoint& endpoint) const;
  void for_each_outward(const std::function<void(const OutwardMapping&)>& function) const;
  // The mapping whose lease ends first.
  const PortMapping* first_to_expire() const;
  void for_each(const std::function<void(const PortMapping&)>& function) const;
  // The hosts that mappings lead to.
  std::vector<Ipv4Address> clients() const;
  // Whether a mapping without an end leads to `client`.
  bool has_permanent(Ipv4Address client) const;
  // The hardware addresses that the mappings to `client` remember: one, unless the IP address has
  // been another host's meanwhile.
  std::vector<MacAddress> hosts_of(Ipv4Address client) const;
  // The other way round: the clients of the mappings that remember `host`.
  std::vector<Ipv4Address> clients_of(const LanHost& host) const;

 private:
  struct Entry {
    PortMapping mapping;
    std::size_t place_in_all;
    std::size_t place_in_view;
    std::size_t place_in_heap;
    BootTime end() const { return mapping.expires.value_or(BootTime::max()); }
  };
  using View = std::vector<Entry*>;
  struct Client {
    View view;
    std::size_t permanent = 0;                // how many have no end
    std::map<MacAddress, std::size_t> hosts;  // how many remember each
  };
  struct Host {
    std::size_t mappings = 0;                    // that remember it
    std::map<Ipv4Address, std::size_t> clients;  // how many of them lead to each
  };
  // Protocol and port first: what conflicts is adjacent.
  struct ByPort {
    bool operator()(const PortMappingKey& a, const PortMappingKey& b) const;
  };
  using Entries = std::map<PortMappingKey, Entry, ByPort>;
  // An endpoint's entries side by side, the one that speaks for all of them first.
  template <class First>
  struct ByEndpoint {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const;
    bool operator()(const Entry* a, const Endpoint& b) const;
  };
  struct ChosenFirst {
    static auto rank(const Entry& entry);
  };
  struct LastingFirst {
    static auto rank(const Entry& entry);
  };
  static OutwardMapping outward_of(const Entry& chosen, const Entry& lasting);
  Entries::const_iterator first_at(Protocol protocol, ExternalPort port) const;
  void index(Entry& entry);
  void unindex(const Entry& entry);
  void index_host(const PortMapping& mapping, Client& client);
  void unindex_host(const PortMapping& mapping, Client& client);

  Entries entries_;
  View all_;
  std::unordered_map<std::uint32_t, Client> clients_;  // by address
  std::map<LanHost, Host> hosts_;
  ExpiryHeap<Entry> by_expiry_;  // those that expire
  // The enabled ones, found by their endpoint.
  std::set<const Entry*, ByEndpoint<ChosenFirst>> by_choice_;
  std::set<const Entry*, ByEndpoint<LastingFirst>> by_end_;
};

Endpoint endpoint_of(const PortMapping& mapping);

}  // namespace upnpd::core
