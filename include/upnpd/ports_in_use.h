// External ports that something else than a port mapping serves: programs of the router that listen
// towards the WAN, and static redirects of other firewall tables. A mapping of such a port would be
// dead, or would take the port away from who has it (WANIPConnection:2, error 729).
#pragma once

#include <bitset>
#include <cstdint>

#include "upnpd/port_mapping.h"

namespace upnpd {

class PortsInUse {
 public:
  enum class By { Nothing, Listener, StaticRedirect };

  // Ports from `first` to `last`, both included. `by` is one of the latter two.
  void add(Protocol protocol, std::uint16_t first, std::uint16_t last, By by) {
    Ports& ports = by == By::Listener ? listeners_ : redirects_;
    for (std::uint32_t port = first; port <= last; ++port)
      ports.set(place(protocol, port));
  }
  By by(Protocol protocol, ExternalPort port) const {
    const std::size_t at = place(protocol, port.number());
    if (redirects_.test(at)) return By::StaticRedirect;
    return listeners_.test(at) ? By::Listener : By::Nothing;
  }

 private:
  using Ports = std::bitset<2 * 65536>;
  static std::size_t place(Protocol protocol, std::uint32_t port) {
    return port + (protocol == Protocol::UDP ? 65536 : 0);
  }
  Ports listeners_;
  Ports redirects_;
};

}  // namespace upnpd
