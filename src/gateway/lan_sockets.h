// The sockets that need an interface: opened by the gateway, bound to the LAN's device, so that
// nothing that came in elsewhere is ever heard on them, and passed down to the children.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "fd.h"
#include "upnpd/ip_address.h"
#include "upnpd/port_mapping.h"

namespace upnpd::gateway {

struct HttpListener {
  base::Fd fd;
  std::uint16_t port;
};

// The port of a LAN whose configuration names none: the same after every start as long as it is
// free, so that clients need not search again after a restart.
std::uint16_t usual_http_port(std::string_view uuid, LanIndex lan);

// Where the events of a LAN are subscribed to, as long as the port is free: another one on each
// LAN, since libupnp listens on every address of its LAN's interface, and the guard closes a port
// to the LANs that do not have it.
std::uint16_t usual_event_port(LanIndex lan);

// A TCP socket listening on `address` and `port`; of IPv6 alone where that is its address's family.
// An error is a line for the log.
std::expected<HttpListener, std::string> open_http_listener(const std::string& interface,
                                                            const IpAddress& address,
                                                            std::uint16_t port);

// A UDP socket for searches: port 1900, member of 239.255.255.250 on `interface` alone.
std::expected<base::Fd, std::string> open_search_socket(const std::string& interface,
                                                        Ipv4Address address);
// The same for IPv6: member of FF02::C, FF05::C and FF0E::C.
std::expected<base::Fd, std::string> open_ipv6_search_socket(const std::string& interface);

}  // namespace upnpd::gateway
