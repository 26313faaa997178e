// A port mapping and the values it is made of, named as in WANIPConnection:2 section 2.3. Each has
// a private constructor and a parse(): a value that exists is valid and is not checked again. A
// wildcard is a state with a name, never 0 or "".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "upnpd/address.h"
#include "upnpd/time.h"

namespace upnpd {

// PortMappingProtocol. The values are the IANA protocol numbers.
enum class Protocol : std::uint8_t { TCP = 6, UDP = 17 };

std::string_view to_string(Protocol protocol);                  // "TCP" or "UDP"
std::optional<Protocol> parse_protocol(std::string_view text);  // in any case
std::optional<Protocol> parse_protocol(std::uint8_t number);    // an IANA number

// A transport port, 1 to 65535. `Tag` keeps ports of different meaning apart.
template <class Tag>
class Port {
 public:
  static constexpr std::optional<Port> parse(std::uint32_t number) {
    if (number < 1 || number > 65535) return std::nullopt;
    return Port(static_cast<std::uint16_t>(number));
  }
  constexpr std::uint16_t number() const { return number_; }
  friend constexpr auto operator<=>(Port, Port) = default;

 private:
  constexpr explicit Port(std::uint16_t number) : number_(number) {}
  std::uint16_t number_;
};
using ExternalPort = Port<struct ExternalPortTag>;
using InternalPort = Port<struct InternalPortTag>;

// The LAN host a mapping leads to: an address a single host can have, so never this-network,
// loopback, multicast, reserved or broadcast. Whether it lies on the LAN is policy's question.
class InternalClient {
 public:
  static std::optional<InternalClient> parse(Ipv4Address address);
  Ipv4Address address() const { return address_; }
  friend auto operator<=>(InternalClient, InternalClient) = default;

 private:
  explicit InternalClient(Ipv4Address address) : address_(address) {}
  Ipv4Address address_;
};

// The internet host a mapping serves, or any.
class RemoteHost {
 public:
  static RemoteHost any() { return RemoteHost(std::nullopt); }
  // No value for an address that cannot send from the internet's side: see InternalClient.
  static std::optional<RemoteHost> parse(Ipv4Address address);
  bool is_any() const { return !address_; }
  std::optional<Ipv4Address> address() const { return address_; }
  std::string to_string() const;  // "" when any
  friend auto operator<=>(const RemoteHost&, const RemoteHost&) = default;

 private:
  explicit RemoteHost(std::optional<Ipv4Address> address) : address_(address) {}
  std::optional<Ipv4Address> address_;
};

// How long a mapping was asked for: whole seconds, at least one, or permanent (WANIPConnection:1
// lease 0, "static").
class LeaseDuration {
 public:
  static LeaseDuration permanent() { return LeaseDuration(0); }
  static std::optional<LeaseDuration> parse(std::uint32_t seconds);  // no value for 0
  bool is_permanent() const { return seconds_ == 0; }
  std::chrono::seconds seconds() const { return std::chrono::seconds(seconds_); }
  friend auto operator<=>(LeaseDuration, LeaseDuration) = default;

 private:
  explicit LeaseDuration(std::uint32_t seconds) : seconds_(seconds) {}
  std::uint32_t seconds_;
};

// What the client calls its mapping: valid UTF-8, no control characters, at most kMaxBytes.
class PortMappingDescription {
 public:
  static constexpr std::size_t kMaxBytes = 1024;
  // Replaces each control character by a space and each byte that is not UTF-8 by U+FFFD; no value
  // when the result is longer than kMaxBytes.
  static std::optional<PortMappingDescription> parse(std::string_view text);
  const std::string& text() const { return text_; }
  friend auto operator<=>(const PortMappingDescription&, const PortMappingDescription&) = default;

 private:
  explicit PortMappingDescription(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What tells one mapping from another: WANIPConnection:2 section 2.3.21.
struct PortMappingKey {
  RemoteHost remote_host;
  ExternalPort external_port;
  Protocol protocol;
  friend auto operator<=>(const PortMappingKey&, const PortMappingKey&) = default;
};

// "TCP 8080" or "TCP 8080 from 203.0.113.9", for logs.
std::string to_string(const PortMappingKey& key);

// The number by which an administrator names a mapping: never reused while the journal lives.
using MappingId = std::uint32_t;

// Which of the router's LANs, by its place in the configuration.
using LanIndex = std::uint8_t;

struct PortMapping {
  PortMappingKey key;
  InternalClient client;
  InternalPort internal_port;
  bool enabled = true;
  PortMappingDescription description;
  std::optional<BootTime> expires;  // no value: permanent
  MappingId id = 0;
  LanIndex lan = 0;
  Ipv4Address owner;  // who asked: the caller's address
  // The client's hardware address when this was last asked for; all zero where it is not known, as
  // behind another router.
  MacAddress host{};
};

// Whether the lease of `mapping` has ended at `now`.
bool has_expired(const PortMapping& mapping, BootTime now);

// The lease's remaining whole seconds, rounded up, 0 when permanent: as the Get actions tell it.
std::uint32_t remaining_seconds(const PortMapping& mapping, BootTime now);

}  // namespace upnpd
