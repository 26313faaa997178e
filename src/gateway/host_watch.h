// The hosts that mappings lead to, as they come and go. A mapping remembers its host's hardware
// address: when another answers for the IP address, the mappings go, since they were not that
// host's. Permanent mappings of a host that answers nobody for absent_host_timeout go too, and all
// mappings to a network that no LAN has any more. A host that has got another address and asks for
// a port it had by the former one has it again as soon as nobody answers there.
//
// Nothing is polled: the kernel tells of an address that changed hands, a host that asks is looked
// at, and only permanent mappings have their host asked now and then. What was merely said, by
// whoever says it, is not believed before the kernel has asked everyone itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "config.h"
#include "host_presence.h"
#include "loop.h"
#include "mapping_store.h"
#include "neighbour_table.h"
#include "neighbour_watch.h"
#include "upnpd/messages.h"

namespace upnpd::gateway {

class HostWatch {
 public:
  // The link on whose own network a host is; no value for one behind another router, or while its
  // LAN is not there.
  using LinkOf = std::function<std::optional<int>(Ipv4Address)>;

  // All that is handed in outlives it.
  HostWatch(base::Loop& loop, const Config& config, MappingStore& store,
            kernel::NeighbourTable& neighbours, kernel::NeighbourWatch watch, LinkOf link_of);

  // The mappings, the networks or the configuration are others now.
  void follow();
  // Callers are about to be answered: whose address has been another host's is found out, and who
  // is kept from a port by an address of its own. Into `known` goes who the clients of new mappings
  // are.
  void meet(const std::vector<ServiceRequest>& requests, core::Neighbours& known);

 private:
  std::optional<kernel::NeighbourMessage> look_up(Ipv4Address host);
  const std::optional<kernel::NeighbourMessage>& look_up_lately(Ipv4Address host, BootTime now);
  bool has_changed_hands(const kernel::NeighbourMessage& neighbour, Ipv4Address host) const;
  void ask(Ipv4Address host);
  // ---- hosts that have got another address ----
  void meet_again(const ServiceRequest& request, const core::Neighbours& known);
  bool is_one_hosts(const core::LanHost& host, Ipv4Address former, Ipv4Address present);
  void take_over_from(Ipv4Address former);
  // ---- LANs that have got other networks ----
  bool is_stranded(Ipv4Address client) const;
  void follow_stranded();
  void remove_stranded();
  void ask_due();
  void hear_answers();
  void answered(Ipv4Address host, const MacAddress& mac);
  void missed(Ipv4Address host);
  void remove(Ipv4Address host, const std::string& why,
              const std::function<bool(const PortMapping&)>& which);
  void plan_questions();

  const Config& config_;
  MappingStore& store_;
  kernel::NeighbourTable& neighbours_;
  kernel::NeighbourWatch watch_;
  LinkOf link_of_;
  core::HostPresence presence_{std::chrono::seconds(0)};
  std::vector<kernel::WatchedHost> watched_;
  std::map<Ipv4Address, std::optional<kernel::NeighbourMessage>> seen_lately_;
  BootTime lately_{};                      // when the oldest of them was looked up
  std::map<Ipv4Address, BootTime> asked_;  // until when each is waited for
  struct Moved {
    core::LanHost host;
    Ipv4Address present;
  };
  std::map<Ipv4Address, Moved> moved_;        // hosts, by a former address that is asked for
  std::map<Ipv4Address, BootTime> stranded_;  // clients on no LAN, and since when
  base::FdWatcher watcher_;
  base::Timer answer_timer_, question_timer_, stranded_timer_;
};

}  // namespace upnpd::gateway
