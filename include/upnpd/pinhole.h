// A pinhole and the values it is made of, named as in WANIPv6FirewallControl:1 section 2.2: an open
// way through the router's IPv6 firewall to a program of a LAN host. Nothing is translated.
#pragma once

#include "upnpd/ip_address.h"
#include "upnpd/port_mapping.h"

namespace upnpd {

// InternalClient: an address that a single host can have and that is routed to it, so never
// unspecified, loopback, link-local, multicast or IPv4-mapped. Whose it is, is the rules' question.
class PinholeClient {
 public:
  static std::optional<PinholeClient> parse(const Ipv6Address& address);
  const Ipv6Address& address() const { return address_; }
  friend auto operator<=>(const PinholeClient&, const PinholeClient&) = default;

 private:
  explicit PinholeClient(const Ipv6Address& address) : address_(address) {}
  Ipv6Address address_;
};

// RemoteHost: the internet host a pinhole serves, or any.
class PinholeRemoteHost {
 public:
  static PinholeRemoteHost any() { return PinholeRemoteHost(std::nullopt); }
  // No value for an address that no internet host can have: see PinholeClient.
  static std::optional<PinholeRemoteHost> parse(const Ipv6Address& address);
  bool is_any() const { return !address_; }
  const std::optional<Ipv6Address>& address() const { return address_; }
  std::string to_string() const;  // "" when any
  friend auto operator<=>(const PinholeRemoteHost&, const PinholeRemoteHost&) = default;

 private:
  explicit PinholeRemoteHost(std::optional<Ipv6Address> address) : address_(address) {}
  std::optional<Ipv6Address> address_;
};

// RemotePort: the port an internet host sends from, or any.
using RemotePort = Port<struct RemotePortTag>;
class PinholeRemotePort {
 public:
  static PinholeRemotePort any() { return PinholeRemotePort(std::nullopt); }
  static PinholeRemotePort only(RemotePort port) { return PinholeRemotePort(port); }
  bool is_any() const { return !port_; }
  std::optional<RemotePort> port() const { return port_; }
  friend auto operator<=>(const PinholeRemotePort&, const PinholeRemotePort&) = default;

 private:
  explicit PinholeRemotePort(std::optional<RemotePort> port) : port_(port) {}
  std::optional<RemotePort> port_;
};

// The five values that tell one pinhole from another: asking for the same ones again renews it.
struct PinholeKey {
  PinholeRemoteHost remote_host;
  PinholeRemotePort remote_port;
  PinholeClient client;
  InternalPort internal_port;
  Protocol protocol;
  friend auto operator<=>(const PinholeKey&, const PinholeKey&) = default;
};

// "UDP [2001:db8::10]:4000 from [2001:db8:f::9]:*", for logs.
std::string to_string(const PinholeKey& key);

// UniqueID: the number by which clients name a pinhole, the same for its whole life, renewals and
// restarts included. 1 to 65535.
class UniqueId {
 public:
  static std::optional<UniqueId> parse(std::uint32_t number);
  std::uint16_t number() const { return number_; }
  // The one after it; after the last comes the first.
  UniqueId next() const;
  friend auto operator<=>(UniqueId, UniqueId) = default;

 private:
  explicit UniqueId(std::uint16_t number) : number_(number) {}
  std::uint16_t number_;
};

// LeaseTime: whole seconds, 1 to 86400.
class PinholeLease {
 public:
  static constexpr std::uint32_t kLongest = 86400;
  static std::optional<PinholeLease> parse(std::uint32_t seconds);
  std::chrono::seconds seconds() const { return std::chrono::seconds(seconds_); }
  friend auto operator<=>(PinholeLease, PinholeLease) = default;

 private:
  explicit PinholeLease(std::uint32_t seconds) : seconds_(seconds) {}
  std::uint32_t seconds_;
};

struct Pinhole {
  PinholeKey key;
  BootTime expires;
  UniqueId id;
  LanIndex lan;
  IpAddress owner;  // who asked: the caller's address
  MacAddress host;  // whose it is, whichever of its addresses it asks by
};

// Whether the lease of `pinhole` has ended at `now`.
bool has_expired(const Pinhole& pinhole, BootTime now);

// The lease's remaining whole seconds, rounded up.
std::uint32_t remaining_seconds(const Pinhole& pinhole, BootTime now);

}  // namespace upnpd
