#include "neighbour_state.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

namespace upnpd::announcer {

std::optional<MacAddress> hardware_address(int socket, Ipv4Address host) {
  arpreq request{};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host.host_order());
  std::memcpy(&request.arp_pa, &address, sizeof address);
  socklen_t size = sizeof request.arp_dev;
  ::getsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, request.arp_dev, &size);
  if (::ioctl(socket, SIOCGARP, &request) != 0 || (request.arp_flags & ATF_COM) == 0)
    return std::nullopt;
  MacAddress mac;
  std::memcpy(mac.data(), request.arp_ha.sa_data, mac.size());
  return mac;
}

bool has_unsent(int socket) {
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) != 0 || bytes > 0;
}

}  // namespace upnpd::announcer
