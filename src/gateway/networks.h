// The router's networks as they are now: read anew from the kernel at each change, and told to the
// core, the kernel's table, the service and the announcers, to each as it needs them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config.h"
#include "interface_watch.h"
#include "lan_side.h"
#include "link_speed.h"
#include "request_rules.h"
#include "router_listeners.h"
#include "upnpd/messages.h"
#include "upnpd/nat.h"
#include "wan_side.h"

namespace upnpd::gateway {

using Lans = std::vector<std::unique_ptr<LanSide>>;

class Networks {
 public:
  // `config` outlives it.
  Networks(const Config& config, kernel::InterfaceWatch watch, kernel::LinkSpeedReader speeds);

  // Readable when something has changed. drain() says whether follow() is to be called.
  int fd() const { return watch_.fd(); }
  bool drain() { return watch_.drain().value_or(true); }
  // Reads everything. True: the internet side is another now. An error is a line for the log.
  std::expected<bool, std::string> follow(BootTime now);

  const kernel::RouterInterfaces& interfaces() const { return interfaces_; }
  const InternetSide& internet() const { return internet_; }
  const WanSide& wan_of(const LanSide& lan) const;

  WanState wan_state(const LanSide& lan) const;
  LinkTotals link_totals(std::uint64_t id, const LanSide& lan);
  core::Surroundings core_surroundings(const Lans& lans) const;
  NatSurroundings nat_surroundings(const Lans& lans) const;
  kernel::WanNames wan_names() const;

 private:
  InternetSide read_internet();
  void tell_log();

  const Config& config_;
  kernel::InterfaceWatch watch_;
  kernel::LinkSpeedReader speeds_;
  kernel::RouterInterfaces interfaces_;
  InternetSide internet_;
  std::map<std::string, BootTime> connected_since_;  // by WAN
  std::map<std::string, std::string> said_;          // in the log, of each WAN's address
};

// What of two LANs that have one subnet: "" when there are none such. A line for the log.
std::string overlap_in(const Lans& lans);

}  // namespace upnpd::gateway
