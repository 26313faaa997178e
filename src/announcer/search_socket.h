// The UDP socket on which one family's searches come in and everything of SSDP goes out: bound to
// the LAN's device and to port 1900, and a member of the groups, as AnnounceLan and AnnounceLanIpv6
// describe it.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "fd.h"
#include "socket_address.h"
#include "ssdp_search.h"

namespace upnpd::announcer {

class SearchSocket {
 public:
  explicit SearchSocket(base::Fd fd);

  struct Datagram {
    std::string_view text;  // until the next receive()
    base::SocketAddress from;
    bool is_multicast;
  };
  // No value when there is none now.
  std::optional<Datagram> receive();
  // From `source`, which is the router's own: the interface may have other addresses. What cannot
  // be sent now is lost, as any datagram may be: clients search again.
  void send(const base::SocketAddress& to, const IpAddress& source, std::string_view text) const;

  int fd() const { return fd_.get(); }

 private:
  base::Fd fd_;
  std::array<char, kMaxSearchBytes + 1> buffer_{};
};

}  // namespace upnpd::announcer
