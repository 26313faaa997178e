// IPv4 addresses, networks and hardware addresses as values. They are made from literals only:
// nothing here, or anywhere in upnpd, resolves a name.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace upnpd {

// An IPv4 address, any of the 2^32.
class Ipv4Address {
 public:
  // Takes exactly four decimal numbers 0-255 without leading zeros: what inet_pton(3) takes.
  static std::optional<Ipv4Address> parse(std::string_view literal);
  // From a number in host byte order: 0x7f000001 is 127.0.0.1.
  static constexpr Ipv4Address from_host_order(std::uint32_t value) { return Ipv4Address(value); }

  constexpr std::uint32_t host_order() const { return value_; }
  std::string to_string() const;

  constexpr bool is_unspecified() const { return value_ == 0; }
  constexpr bool is_this_network() const { return (value_ >> 24) == 0; }  // RFC 1122 3.2.1.3
  constexpr bool is_loopback() const { return (value_ >> 24) == 127; }    // RFC 1122 3.2.1.3
  constexpr bool is_multicast() const { return (value_ >> 28) == 0xe; }   // RFC 5771
  constexpr bool is_reserved() const { return (value_ >> 28) == 0xf; }  // RFC 1112 4, broadcast too
  constexpr bool is_link_local() const { return (value_ >> 16) == 0xa9fe; }  // RFC 3927
  constexpr bool is_carrier_grade() const {
    return (value_ >> 22) == (0x64400000 >> 22);
  }                               // RFC 6598
  bool is_private() const;        // RFC 1918
  bool is_documentation() const;  // RFC 5737

  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;

 private:
  constexpr explicit Ipv4Address(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

// An address together with the length of its network's prefix: what an interface is given, and,
// by its network, what a permission line names.
class Ipv4Network {
 public:
  // Takes "192.168.1.1/24", "192.168.1.1/255.255.255.0" and a bare address (prefix 32).
  static std::optional<Ipv4Network> parse(std::string_view text);
  // No value when `prefix_length` is above 32.
  static std::optional<Ipv4Network> make(Ipv4Address address, unsigned prefix_length);

  Ipv4Address address() const { return address_; }
  unsigned prefix_length() const { return prefix_length_; }
  Ipv4Address first() const;  // the network's own address
  Ipv4Address last() const;   // the broadcast address, where the prefix is under 31
  bool contains(Ipv4Address address) const;
  // Whether `address` can be a host's: inside, and neither network nor broadcast address.
  bool contains_host(Ipv4Address address) const;
  std::string to_string() const;

  friend auto operator<=>(const Ipv4Network&, const Ipv4Network&) = default;

 private:
  Ipv4Network(Ipv4Address address, unsigned prefix_length)
      : address_(address), prefix_length_(prefix_length) {}
  Ipv4Address address_;
  unsigned prefix_length_;
};

// Whether `address` can be a host's in one of `networks`.
bool any_contains_host(std::span<const Ipv4Network> networks, Ipv4Address address);

// An Ethernet hardware address, or all zero where there is none.
using MacAddress = std::array<std::uint8_t, 6>;

// "02:00:5e:10:00:01"
std::string to_string(const MacAddress& mac);

}  // namespace upnpd
