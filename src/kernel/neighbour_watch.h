// Notice of hosts whose address is another's now. The kernel speaks of a neighbour several times a
// minute as long as it talks to it, all day long and for every host of the LAN; a filter on the
// socket lets through only what says that a watched address has another hardware address, so that
// nobody wakes up for the rest.
#pragma once

#include <expected>
#include <span>
#include <vector>

#include "nl_socket.h"
#include "rtnl_messages.h"

namespace upnpd::kernel {

struct WatchedHost {
  Ipv4Address address;
  MacAddress mac;
  friend auto operator<=>(const WatchedHost&, const WatchedHost&) = default;
};

class NeighbourWatch {
 public:
  // A filter's memory counts as the socket's options, 10 to 20 KiB on most kernels.
  static constexpr std::size_t kMaxHosts = 128;

  static std::expected<NeighbourWatch, NetlinkError> open();

  // Readable when a watched address is another host's.
  int fd() const { return events_.fd(); }
  // Watches these and no others. Those after the first kMaxHosts are left out, and more where the
  // kernel has less room.
  std::expected<void, NetlinkError> watch(std::span<const WatchedHost> hosts);
  // Reads all that is waiting: the addresses that have changed hands.
  std::expected<std::vector<Ipv4Address>, NetlinkError> drain();

 private:
  explicit NeighbourWatch(NlSocket events) : events_(std::move(events)) {}
  NlSocket events_;
};

}  // namespace upnpd::kernel
