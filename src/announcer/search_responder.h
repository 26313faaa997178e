// Answers the searches of one LAN and family, on the socket the gateway opened for it, and says
// what has to be said of a device there at once. Hosts of the LAN only; what one of them can cause
// is bounded, so that nobody can be flooded in another's name: 10 searches a second with a burst of
// 20, and kMaxPending answers waiting. An answer to a host that the kernel must look for first, and
// that perhaps nobody is, occupies the socket's buffer for seconds: of those there are a few only.
#pragma once

#include <deque>
#include <random>
#include <vector>

#include "address_buckets.h"
#include "loop.h"
#include "reached_hosts.h"
#include "search_answers.h"
#include "search_socket.h"
#include "ssdp_sites.h"

namespace upnpd::announcer {

// Answers to a multicast search leave after a random delay below this: far within any MX, so that
// no client gives up before, and spread over the devices of the LAN.
inline constexpr std::chrono::milliseconds kMaxAnswerDelay{80};

class SearchResponder {
 public:
  static constexpr std::size_t kMaxPending = 256;

  // `socket` is UDP on port 1900 as AnnounceLan describes it; `sites` are the router's addresses on
  // the LAN. Answers from now on.
  SearchResponder(base::Loop& loop, base::Fd socket, std::vector<SsdpSite> sites);

  // The whole set of ssdp:alive or ssdp:byebye, once, to every group.
  void say_alive() const;
  void say_byebye() const;

 private:
  struct Pending {
    BootTime when;
    base::SocketAddress to;
    const SsdpSite* site;  // where LOCATION leads
    SearchAnswer answer;
  };

  void readable();
  void take(const SearchSocket::Datagram& datagram);
  // As many of `count` answers as may go to this host now.
  std::size_t affordable(const IpAddress& to, std::size_t count, BootTime now);
  bool is_there(const IpAddress& host, BootTime now);
  void look_who_was_reached();
  std::chrono::milliseconds random_delay(const SsdpSearch& search, bool is_multicast);
  void hold(Pending pending);
  void send_due();
  void send(const Pending& answer, BootTime now);
  template <class Text>
  void notify_all(const Text& text) const;

  SearchSocket socket_;
  std::vector<SsdpSite> sites_;
  AddressBuckets buckets_{
      {.burst = 20, .per_token = std::chrono::milliseconds(100), .addresses = 256}};
  // Unknown hosts together. The kernel looks for one for 3 s: at most 105 answers wait for them,
  // about 120 KiB of a buffer of 208.
  AddressBuckets unknown_hosts_{
      {.burst = 60, .per_token = std::chrono::milliseconds(66), .addresses = 1}};
  ReachedHosts reached_hosts_;  // over IPv6
  std::minstd_rand random_;
  std::deque<Pending> pending_;  // by `when`
  base::Timer timer_;
  base::Timer look_timer_;
  base::FdWatcher watcher_;
};

}  // namespace upnpd::announcer
