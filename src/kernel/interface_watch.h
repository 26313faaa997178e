// The router's interfaces as the kernel has them, by rtnetlink: a descriptor that becomes readable
// when something changes, and a snapshot of everything. The owner drains, takes a snapshot and
// compares; events are never added up, so that a lost one does no harm.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "nl_socket.h"
#include "rtnl_messages.h"

namespace upnpd::kernel {

struct RouterInterface {
  int index;
  std::string name;
  MacAddress mac;                      // all zero where it has none
  bool up;                             // wanted by the administrator
  bool running;                        // able to carry packets
  std::vector<Ipv4Network> addresses;  // primary ones first, each in the kernel's order
  // Those that can be used now, deprecated ones last.
  std::vector<Ipv6Network> ipv6_addresses = {};
  // What the kernel's masquerade makes the sender of what leaves here for the internet; none when
  // no address is fit for that.
  std::optional<Ipv4Address> masquerade_address = {};
  friend bool operator==(const RouterInterface&, const RouterInterface&) = default;
};

struct RouterInterfaces {
  std::vector<RouterInterface> interfaces;  // by index
  // Where the main table's default route of the lowest metric leads out.
  std::optional<std::string> default_route_interface;
  friend bool operator==(const RouterInterfaces&, const RouterInterfaces&) = default;
};

class InterfaceWatch {
 public:
  static std::expected<InterfaceWatch, NetlinkError> open();

  // The descriptor to watch for reading. What changes after open() makes it readable.
  int fd() const { return events_.fd(); }
  // Reads all that is waiting, without blocking. Whether a link, an address or an IPv4 default
  // route changed, or something was lost.
  std::expected<bool, NetlinkError> drain();
  // Asks the kernel for everything. EINTR: it kept changing.
  std::expected<RouterInterfaces, NetlinkError> snapshot();
  // The counters of the interface with this name. ENODEV: there is none.
  std::expected<LinkCounters, NetlinkError> link_totals(const std::string& name);

 private:
  InterfaceWatch(NlSocket events, NlSocket requests)
      : events_(std::move(events)), requests_(std::move(requests)) {}
  std::expected<RouterInterfaces, NetlinkError> snapshot_once();
  std::expected<void, NetlinkError> dump(int type, unsigned char family,
                                         const NlSocket::OnMessage& on_message);

  NlSocket events_;
  NlSocket requests_;
};

}  // namespace upnpd::kernel
