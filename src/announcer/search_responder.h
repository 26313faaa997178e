// Answers the searches of one LAN, on the socket the gateway opened for it, and says what has to be
// said of a device there at once. Hosts of the LAN only; what one of them can cause is bounded, so
// that nobody can be flooded in another's name: 10 searches a second with a burst of 20, and
// kMaxPending answers waiting.
#pragma once

#include <netinet/in.h>

#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "address_buckets.h"
#include "fd.h"
#include "loop.h"
#include "search_answers.h"

namespace upnpd::announcer {

// Answers to a multicast search leave after a random delay below this: far within any MX, so that
// no client gives up before, and spread over the devices of the LAN.
inline constexpr std::chrono::milliseconds kMaxAnswerDelay{80};

class SearchResponder {
 public:
  static constexpr std::size_t kMaxPending = 256;

  // `socket` is UDP on port 1900 as AnnounceLan describes it; `network` is the LAN and the router's
  // address there. Answers from now on.
  SearchResponder(base::Loop& loop, base::Fd socket, Ipv4Network network, SsdpIdentity identity);

  // The whole set of ssdp:alive or ssdp:byebye, once, to 239.255.255.250.
  void say_alive() const;
  void say_byebye() const;

 private:
  struct Pending {
    BootTime when;
    sockaddr_in to;
    SearchAnswer answer;
  };
  enum class Addressed { Multicast, Unicast };
  struct Arrival {
    std::string_view datagram;
    sockaddr_in from;
    Addressed addressed;
  };

  std::optional<Arrival> receive();
  void readable();
  void take(const Arrival& arrival);
  bool may_be_answered(const sockaddr_in& from) const;
  std::chrono::milliseconds random_delay(const SsdpSearch& search, Addressed addressed);
  void hold(Pending pending);
  void send_due();
  void send(const sockaddr_in& to, std::string_view text) const;

  base::Fd socket_;
  Ipv4Network network_;
  SsdpIdentity identity_;
  AddressBuckets buckets_{
      {.burst = 20, .per_token = std::chrono::milliseconds(100), .addresses = 256}};
  std::minstd_rand random_;
  std::array<char, kMaxSearchBytes + 1> buffer_{};
  std::deque<Pending> pending_;  // by `when`
  base::Timer timer_;
  base::FdWatcher watcher_;
};

}  // namespace upnpd::announcer
