// Who of the hosts with permanent mappings has been there lately. A host that nobody hears of is
// not absent: it is asked, a few times within the time that makes it absent, and only one that
// answers none of them has gone. Pure: who asks, and how, is the gateway's.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "upnpd/address.h"
#include "upnpd/time.h"

namespace upnpd::core {

class HostPresence {
 public:
  static constexpr int kQuestions = 4;  // within the timeout, the last one at its end
  static constexpr std::chrono::milliseconds kBetweenQuestions{1000};  // at least

  // `timeout` of 0: no host is ever absent.
  explicit HostPresence(std::chrono::milliseconds timeout) : timeout_(timeout) {}

  // From now on, counted from when each host was last there.
  void set_timeout(std::chrono::milliseconds timeout);
  // These are the hosts now. One that was not among them before is there at `now`.
  void set_hosts(const std::set<Ipv4Address>& hosts, BootTime now);
  // The host has answered, or asked for something.
  void seen(Ipv4Address host, BootTime now);
  // The host did not answer. True when it has been absent for the timeout.
  bool missed(Ipv4Address host, BootTime now);
  // Those to be asked at `now`, each once.
  std::vector<Ipv4Address> take_due(BootTime now);
  // When take_due() has somebody next.
  std::optional<BootTime> next_deadline() const;

 private:
  struct Host {
    BootTime last_seen;
    BootTime next_question;
  };
  std::chrono::milliseconds pause() const;

  std::chrono::milliseconds timeout_;
  std::map<Ipv4Address, Host> hosts_;
};

}  // namespace upnpd::core
