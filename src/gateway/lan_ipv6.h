// The IPv6 side of a LAN: one listener and one search socket for every address the router has
// there, so that addresses come, change and go without them. It comes after the IPv4 side, and its
// absence is no fault: the LAN is then served by IPv4 alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lan_sockets.h"
#include "supervised_child.h"
#include "upnpd/messages.h"

namespace upnpd::gateway {

class LanIpv6 {
 public:
  explicit LanIpv6(LanIndex index) : index_(index) {}

  // The router's addresses on `interface` are these now; none: IPv6 is not served. A listener is
  // opened on `port`, or, where that is taken, on another. Whether anything is another now.
  bool update(const std::string& interface, const std::vector<Ipv6Network>& addresses,
              std::uint16_t port);
  // Takes everything back; the children are told that the LAN is gone.
  void take_down();

  // Tells the service what to serve, or that there is nothing.
  void serve(SupervisedChild& service, std::uint16_t event_port) const;
  // The service serves it: the announcer may announce it.
  void announce(SupervisedChild& announcer);

  bool is_served() const { return listener_.has_value(); }
  std::uint16_t http_port() const { return listener_ ? listener_->port : 0; }
  const std::vector<Ipv6Network>& addresses() const { return addresses_; }
  // Why it is not served, or not announced, though there are addresses.
  const std::string& problem() const { return problem_; }

 private:
  std::vector<IpNetwork> networks() const { return {addresses_.begin(), addresses_.end()}; }

  LanIndex index_;
  std::string interface_;
  std::vector<Ipv6Network> addresses_;
  std::optional<HttpListener> listener_;
  std::string problem_;
};

}  // namespace upnpd::gateway
