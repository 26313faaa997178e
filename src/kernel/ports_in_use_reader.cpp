#include "ports_in_use_reader.h"

#include <linux/netlink.h>

#include <cstring>
#include <optional>

#include "static_redirects.h"

namespace upnpd::kernel {

std::expected<PortsInUseReader, NetlinkError> PortsInUseReader::open() {
  auto sockets = NlSocket::open(NETLINK_SOCK_DIAG);
  if (!sockets) return std::unexpected(sockets.error());
  auto tables = NlSocket::open(NETLINK_NETFILTER);
  if (!tables) return std::unexpected(tables.error());
  return PortsInUseReader(*std::move(sockets), *std::move(tables));
}

const PortsInUse& PortsInUseReader::read(const WanNames& wan, BootTime now) {
  if (read_ && now - *read_ < kFresh) return ports_;
  read_ = now;
  ports_ = {};
  fault_.clear();
  const auto note = [this](const char* what, const NetlinkError& error) {
    fault_ = std::string(what) + " cannot be read: " + std::strerror(error.error);
  };
  if (const auto listeners = dump_router_listeners(sockets_, wan)) {
    for (const RouterListener& one : *listeners)
      ports_.add(one.protocol, one.port, one.port, PortsInUse::By::Listener);
  } else {
    note("the router's own listeners", listeners.error());
  }
  if (const auto redirects = dump_static_redirects(tables_, wan)) {
    for (const StaticRedirect& one : *redirects)
      for (const Protocol protocol : {Protocol::TCP, Protocol::UDP})
        if (one.protocol.value_or(protocol) == protocol)
          ports_.add(protocol, one.ports.first, one.ports.last, PortsInUse::By::StaticRedirect);
  } else {
    note("static redirects", redirects.error());
  }
  return ports_;
}

}  // namespace upnpd::kernel
