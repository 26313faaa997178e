// Which hosts of a LAN have been reached: the kernel looks for an IPv6 neighbour before it sends,
// keeps what waits for it in the socket's buffer for 3 s, and tells an unprivileged process nothing
// of that but the size of the buffer. So: to whom something was sent is there when soon afterwards
// nothing waits any more. Pure; the time is handed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>

#include "upnpd/ip_address.h"
#include "upnpd/time.h"

namespace upnpd::announcer {

class ReachedHosts {
 public:
  // Who is not heard of for longest is forgotten first.
  static constexpr std::size_t kMaxHosts = 256;
  // A neighbour that is there answers the kernel within the first; whether it does is not known any
  // more after the second, since what waits for nobody is thrown away in the end, too.
  static constexpr std::chrono::milliseconds kSoon{100}, kTooLate{1000};

  // Whether `host`, which is heard of now, has been reached.
  bool has(const IpAddress& host, BootTime now);
  // Notes that something was sent to `host`, of which has() said no.
  void sent(const IpAddress& host, BootTime now);
  // Takes in that `waits`, or not, in the socket's buffer; the time after which this is to be asked
  // again, if it is.
  std::optional<std::chrono::milliseconds> look(bool waits, BootTime now);

 private:
  std::map<IpAddress, BootTime> reached_;  // with the time it was heard of last
  std::map<IpAddress, BootTime> tried_;    // with the time something was sent first
};

}  // namespace upnpd::announcer
