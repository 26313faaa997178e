// An element of a set or map as a value, without the library's object: key and data as nf_tables'
// registers hold them, and what hangs on it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "upnpd/nat.h"

namespace upnpd::kernel {

// The bytes of a key or of data: one field after the other in network byte order, each padded with
// zeros to a multiple of four bytes.
class Fields {
 public:
  static constexpr std::size_t kMaxBytes = 44;
  static constexpr std::size_t kInterfaceBytes = 16;  // IFNAMSIZ

  Fields() = default;
  // Data of type inet_service alone: its two bytes are not padded.
  static Fields of_port(std::uint16_t port);
  // No value when `bytes` are more than any of our sets has.
  static std::optional<Fields> from_bytes(std::span<const std::byte> bytes);

  Fields& address(Ipv4Address address);
  Fields& address(const Ipv6Address& address);
  Fields& protocol(Protocol protocol);
  Fields& port(std::uint16_t port);
  // `name` must be shorter than kInterfaceBytes; more is cut.
  Fields& interface(std::string_view name);

  std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }
  friend auto operator<=>(const Fields&, const Fields&) = default;

 private:
  void append(std::span<const std::byte> field, std::size_t padded_size);
  std::array<std::byte, kMaxBytes> bytes_{};
  std::size_t size_ = 0;
};

// Reads fields in the order Fields was given them. A field that is not there, or that has no valid
// value, is no value.
class FieldReader {
 public:
  explicit FieldReader(const Fields& fields) : left_(fields.bytes()) {}
  std::optional<Ipv4Address> address();
  std::optional<Ipv6Address> ipv6_address();
  std::optional<Protocol> protocol();
  std::optional<std::uint16_t> port();

 private:
  std::span<const std::byte> take(std::size_t size);
  std::span<const std::byte> left_;
};

struct Element {
  Fields key;
  Fields data;  // empty in a set
  // Put in: how long it lives. Read: how long it lives on. No value: for good.
  std::optional<std::chrono::milliseconds> lifetime;
  std::vector<std::byte> userdata;
  bool is_interval_end = false;
  TrafficCounters traffic;  // put in: where it begins to count; none: at 0
};

}  // namespace upnpd::kernel
