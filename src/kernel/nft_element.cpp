#include "nft_element.h"

#include <algorithm>

namespace upnpd::kernel {
namespace {

constexpr std::size_t kSlot = 4;

template <class Number>
auto network_order(Number number) {
  std::array<std::byte, sizeof number> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(number >> (8 * (bytes.size() - 1 - i)) & 0xff);
  return bytes;
}

std::uint32_t number_of(std::span<const std::byte> bytes) {
  std::uint32_t number = 0;
  for (const std::byte byte : bytes)
    number = number << 8 | std::to_integer<std::uint32_t>(byte);
  return number;
}

}  // namespace

void Fields::append(std::span<const std::byte> field, std::size_t padded_size) {
  const auto room = std::span(bytes_).subspan(size_);
  std::ranges::copy(field.first(std::min({field.size(), padded_size, room.size()})), room.begin());
  size_ += std::min(padded_size, room.size());
}

Fields Fields::of_port(std::uint16_t port) {
  Fields fields;
  fields.append(network_order(port), sizeof port);
  return fields;
}

std::optional<Fields> Fields::from_bytes(std::span<const std::byte> bytes) {
  if (bytes.size() > kMaxBytes) return std::nullopt;
  Fields fields;
  fields.append(bytes, bytes.size());
  return fields;
}

Fields& Fields::address(Ipv4Address address) {
  append(network_order(address.host_order()), kSlot);
  return *this;
}

Fields& Fields::address(const Ipv6Address& address) {
  append(std::as_bytes(std::span(address.bytes())), address.bytes().size());
  return *this;
}

Fields& Fields::protocol(Protocol protocol) {
  append(network_order(static_cast<std::uint8_t>(protocol)), kSlot);
  return *this;
}

Fields& Fields::port(std::uint16_t port) {
  append(network_order(port), kSlot);
  return *this;
}

Fields& Fields::interface(std::string_view name) {
  append(std::as_bytes(std::span(name.substr(0, kInterfaceBytes - 1))), kInterfaceBytes);
  return *this;
}

std::span<const std::byte> FieldReader::take(std::size_t size) {
  if (left_.size() < size) return {};
  const auto field = left_.first(size);
  const std::size_t padded = (size + kSlot - 1) / kSlot * kSlot;
  left_ = left_.subspan(std::min(padded, left_.size()));
  return field;
}

std::optional<Ipv4Address> FieldReader::address() {
  const auto field = take(4);
  if (field.empty()) return std::nullopt;
  return Ipv4Address::from_host_order(number_of(field));
}

std::optional<Ipv6Address> FieldReader::ipv6_address() {
  Ipv6Address::Bytes bytes{};
  const auto field = take(bytes.size());
  if (field.empty()) return std::nullopt;
  std::ranges::transform(field, bytes.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return Ipv6Address::from_bytes(bytes);
}

std::optional<Protocol> FieldReader::protocol() {
  const auto field = take(1);
  if (field.empty()) return std::nullopt;
  return parse_protocol(std::to_integer<std::uint8_t>(field[0]));
}

std::optional<std::uint16_t> FieldReader::port() {
  const auto field = take(2);
  if (field.empty()) return std::nullopt;
  return static_cast<std::uint16_t>(number_of(field));
}

}  // namespace upnpd::kernel
