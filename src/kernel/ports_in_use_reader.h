// Asks the kernel for the ports that something else than a mapping serves on the WAN side, and
// keeps the answer for a moment, so that many requests share one look.
#pragma once

#include <chrono>

#include "nl_socket.h"
#include "router_listeners.h"
#include "upnpd/ports_in_use.h"
#include "upnpd/time.h"

namespace upnpd::kernel {

class PortsInUseReader {
 public:
  static constexpr std::chrono::seconds kFresh{1};

  static std::expected<PortsInUseReader, NetlinkError> open();

  // As seen within kFresh of `now`. On an error what could not be read is missing; see fault().
  const PortsInUse& read(const WanNames& wan, BootTime now);
  // What went wrong at the last look; "" when nothing did.
  const std::string& fault() const { return fault_; }

 private:
  PortsInUseReader(NlSocket sockets, NlSocket tables)
      : sockets_(std::move(sockets)), tables_(std::move(tables)) {}
  NlSocket sockets_;
  NlSocket tables_;
  PortsInUse ports_;
  std::optional<BootTime> read_;
  std::string fault_;
};

}  // namespace upnpd::kernel
