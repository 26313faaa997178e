// IPv6 addresses and networks as values, made from literals only, as those of IPv4 in address.h.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upnpd {

// An IPv6 address, any of the 2^128, without a zone.
class Ipv6Address {
 public:
  using Bytes = std::array<std::uint8_t, 16>;  // in network order

  // Takes what inet_pton(3) takes (RFC 4291 section 2.2): no zone, no brackets.
  static std::optional<Ipv6Address> parse(std::string_view literal);
  static constexpr Ipv6Address from_bytes(const Bytes& bytes) { return Ipv6Address(bytes); }

  constexpr const Bytes& bytes() const { return bytes_; }
  std::string to_string() const;  // RFC 5952

  bool is_unspecified() const;   // RFC 4291 2.5.2
  bool is_loopback() const;      // RFC 4291 2.5.3
  bool is_ipv4_mapped() const;   // RFC 4291 2.5.5.2
  bool is_link_local() const;    // RFC 4291 2.5.6
  bool is_multicast() const;     // RFC 4291 2.7
  bool is_unique_local() const;  // RFC 4193

  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;

 private:
  constexpr explicit Ipv6Address(const Bytes& bytes) : bytes_(bytes) {}
  Bytes bytes_;
};

// An address together with the length of its network's prefix.
class Ipv6Network {
 public:
  // Takes "2001:db8::1/64" and a bare address (prefix 128).
  static std::optional<Ipv6Network> parse(std::string_view text);
  // No value when `prefix_length` is above 128.
  static std::optional<Ipv6Network> make(const Ipv6Address& address, unsigned prefix_length);

  const Ipv6Address& address() const { return address_; }
  unsigned prefix_length() const { return prefix_length_; }
  bool contains(const Ipv6Address& address) const;
  std::string to_string() const;

  friend auto operator<=>(const Ipv6Network&, const Ipv6Network&) = default;

 private:
  Ipv6Network(const Ipv6Address& address, unsigned prefix_length)
      : address_(address), prefix_length_(prefix_length) {}
  Ipv6Address address_;
  unsigned prefix_length_;
};

}  // namespace upnpd
