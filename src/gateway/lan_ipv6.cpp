#include "lan_ipv6.h"

#include "log.h"

namespace upnpd::gateway {

bool LanIpv6::update(const std::string& interface, const std::vector<Ipv6Network>& addresses,
                     std::uint16_t port) {
  if (interface == interface_ && addresses == addresses_ && problem_.empty()) return false;
  const bool was_served = is_served();
  interface_ = interface;
  addresses_ = addresses;
  problem_.clear();
  if (addresses.empty()) {
    take_down();
    if (was_served) base::log_notice("LAN " + interface + ": no IPv6 any more");
    return was_served;
  }
  if (!listener_) {
    const IpAddress any = Ipv6Address::from_bytes({});
    auto listener = open_http_listener(interface, any, port);
    if (!listener) listener = open_http_listener(interface, any, 0);
    if (!listener) {
      problem_ = listener.error();
      base::log_warning("LAN " + interface + ": no IPv6: " + problem_);
      return false;
    }
    listener_ = *std::move(listener);
  }
  std::string list;
  for (const Ipv6Network& network : addresses)
    list += " " + network.to_string();
  base::log_notice("LAN " + interface + list + ": serving on port " +
                   std::to_string(listener_->port));
  return true;
}

void LanIpv6::take_down() {
  addresses_.clear();
  listener_.reset();
  problem_.clear();
}

void LanIpv6::serve(SupervisedChild& service, std::uint16_t event_port) const {
  if (!listener_)
    service.send(LeaveLan{index_, IpFamily::V6});
  else
    service.send(
        ServeLan{index_, interface_, IpFamily::V6, networks(), listener_->port, event_port},
        listener_->fd.get());
}

void LanIpv6::announce(SupervisedChild& announcer) {
  if (!listener_) {
    announcer.send(AnnounceLanIpv6{{}, 0});
    return;
  }
  const auto socket = open_ipv6_search_socket(interface_);
  if (!socket) {
    problem_ = socket.error();
    base::log_warning("LAN " + interface_ + ": no IPv6 searches: " + problem_);
    return;
  }
  announcer.send(AnnounceLanIpv6{networks(), listener_->port}, socket->get());
}

}  // namespace upnpd::gateway
