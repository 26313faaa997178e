// What libupnp may do on the network, decided: whom it may connect to, whom it may serve, and which
// addresses a request may name. Pure; libupnp_sockets.h applies it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "upnpd/ip_address.h"
#include "upnpd/time.h"

namespace upnpd::announcer {

// The one LAN of this process.
struct GuardedLan {
  std::string interface;
  Ipv4Network network;             // its address is the router's own
  std::uint16_t description_port;  // of the igd service, on the router's own address
  std::vector<Ipv4Network> further_networks = {};  // whose hosts may subscribe too
  std::vector<IpNetwork> ipv6_networks = {};       // as they come and go
};

// Whether a host of the LAN has this address.
bool is_on(const GuardedLan& lan, const IpAddress& address);

// Why libupnp connects.
enum class Purpose { Callback, Description };

// An event goes to a host of the LAN and never to the router; a description comes from the igd
// service and from nowhere else.
bool may_connect(const GuardedLan& lan, Purpose purpose, const IpAddress& to, std::uint16_t port);

// What a request of `peer` may contain as a host, and what libupnp is told that it is: the peer's
// own address, as a CALLBACK must (CVE-2020-12695), the router's, as in HOST, or the LAN's netmask,
// which libupnp parses the same way. Over IPv6 the router's IPv4 address and the netmask are
// 0.0.0.0: libupnp, to which every peer is an IPv4 one, checks with them whether a callback is on
// the LAN, and reads of an IPv6 callback a field that is 0. No value: it may not.
std::optional<IpAddress> named_by(const GuardedLan& lan, const IpAddress& peer,
                                  std::string_view literal);

// The TCP connections libupnp has open: few at once from one host, few bytes and little time for
// each, so that one host can occupy neither its threads nor its memory. Safe for use by several
// threads. A host is known by its address, and by its hardware address where the kernel tells it.
class Connections {
 public:
  static constexpr unsigned kMaxPerPeer = 4;
  // By one hardware address: a host's with many addresses, or those of several hosts that share it.
  static constexpr unsigned kMaxPerHost = 8;
  // Of all peers by IPv6, where one host may have any number of addresses.
  static constexpr unsigned kMaxOverIpv6 = 8;
  // No SUBSCRIBE, event's reply or description is longer.
  static constexpr std::size_t kMaxBytes = 64 * 1024;
  // libupnp's own limit is 30 s, and a job that waits for a thread waits as long.
  static constexpr std::chrono::milliseconds kMaxTime{3000};

  // What libupnp does between two calls about a connection takes no longer, unless it hangs.
  static constexpr std::chrono::milliseconds kPatience{1500};
  // Connecting takes no longer.
  static constexpr std::chrono::milliseconds kConnectTime{2000};

  // Notes that `fd` was accepted from `peer`, at the hardware address `host` where that is known;
  // false when that would be one too many.
  bool accepted(int fd, const IpAddress& peer, BootTime now,
                const std::optional<MacAddress>& host = std::nullopt);
  // Notes that libupnp connects `fd`.
  void connected(int fd, BootTime now);
  void closed(int fd);
  // Counts bytes that came in; false when they are more than kMaxBytes.
  bool received(int fd, std::size_t bytes);
  // What is left of kMaxTime, at least 0, for a wait that begins now; no value for a descriptor
  // that is no connection.
  std::optional<std::chrono::milliseconds> time_left(int fd, BootTime now);
  // The wait of time_left() or connected() is over.
  void resumed(int fd, BootTime now);
  bool is_any_open();
  // Whether a thread should have made its next call about a connection by now: it hangs.
  bool is_any_overdue(BootTime now);
  // Who was accepted as `fd`.
  std::optional<IpAddress> peer(int fd);
  // At which hardware address, where it was known.
  std::optional<MacAddress> host(int fd);
  // Whether the request on `fd` may subscribe: asked of `decide` once a connection, since libupnp
  // parses each URL twice and must find the same both times.
  bool may_subscribe(int fd, const std::function<bool()>& decide);

 private:
  // libupnp waits with select(2): it has no descriptor above this.
  static constexpr std::size_t kMaxFd = 1024;
  struct Connection {
    bool open = false;
    BootTime since, due;
    std::optional<IpAddress> peer;
    std::optional<MacAddress> host;
    std::size_t received = 0;
    std::optional<bool> may_subscribe;
  };
  Connection* at(int fd);
  bool is_one_too_many(const IpAddress& peer, const std::optional<MacAddress>& host) const;

  std::mutex mutex_;
  std::array<Connection, kMaxFd> connections_{};
};

}  // namespace upnpd::announcer
