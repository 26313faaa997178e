#include "upnpd/ipv6_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace upnpd {

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view literal) {
  // inet_pton needs a terminated string; no literal is longer than this.
  char text[INET6_ADDRSTRLEN] = {};
  if (literal.size() >= sizeof text) return std::nullopt;
  if (literal.find('\0') != std::string_view::npos) return std::nullopt;
  literal.copy(text, literal.size());
  Bytes bytes{};
  if (::inet_pton(AF_INET6, text, bytes.data()) != 1) return std::nullopt;
  return from_bytes(bytes);
}

std::string Ipv6Address::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

bool Ipv6Address::is_unspecified() const {
  return bytes_ == Bytes{};
}

bool Ipv6Address::is_loopback() const {
  return bytes_ == Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
}

bool Ipv6Address::is_ipv4_mapped() const {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kPrefix.begin(), kPrefix.end(), bytes_.begin());
}

bool Ipv6Address::is_link_local() const {
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool Ipv6Address::is_multicast() const {
  return bytes_[0] == 0xff;
}

bool Ipv6Address::is_unique_local() const {
  return (bytes_[0] & 0xfe) == 0xfc;
}

std::optional<Ipv6Network> Ipv6Network::make(const Ipv6Address& address, unsigned prefix_length) {
  if (prefix_length > 128) return std::nullopt;
  return Ipv6Network(address, prefix_length);
}

std::optional<Ipv6Network> Ipv6Network::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Ipv6Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return make(*address, 128);
  const std::string_view bits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), length);
  if (error != std::errc() || end != bits.data() + bits.size()) return std::nullopt;
  return make(*address, length);
}

bool Ipv6Network::contains(const Ipv6Address& address) const {
  const unsigned whole = prefix_length_ / 8, rest = prefix_length_ % 8;
  const auto& ours = address_.bytes();
  const auto& theirs = address.bytes();
  if (!std::equal(ours.begin(), ours.begin() + whole, theirs.begin())) return false;
  return rest == 0 || ((ours[whole] ^ theirs[whole]) >> (8 - rest)) == 0;
}

std::string Ipv6Network::to_string() const {
  return address_.to_string() + "/" + std::to_string(prefix_length_);
}

}  // namespace upnpd
