#include "mapping_userdata.h"

#include <libnftnl/udata.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace upnpd::kernel {
namespace {

constexpr std::uint8_t kComment = NFTNL_UDATA_SET_ELEM_COMMENT;
// Our own types, far from those nft may still number.
constexpr std::uint8_t kDescription = 16;
constexpr std::uint8_t kRecord = 17;
// 18 was the external port of an outward mapping.
constexpr std::uint8_t kPinholeRecord = 19;
constexpr std::uint8_t kExpires = 20;
constexpr std::uint8_t kHost = 21;  // beside the record, so that older tables are read as well

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::size_t kRecordBytes = 10;
// Version, id, LAN, host; the owner's address makes the rest.
constexpr std::size_t kPinholeRecordBytes = 10;
constexpr std::size_t kExpiresBytes = 6;  // milliseconds: thousands of years
constexpr std::size_t kHostBytes = std::tuple_size_v<MacAddress>;
static_assert(2 + kRecordBytes + 2 + kExpiresBytes + 2 + kHostBytes + 2 + kMaxKeptDescription ==
              kMaxUserdata);

using Bytes = std::vector<std::byte>;

void append(Bytes& bytes, std::uint64_t number, std::size_t size) {
  while (size-- > 0)
    bytes.push_back(static_cast<std::byte>(number >> (8 * size) & 0xff));
}

void append_head(Bytes& bytes, std::uint8_t type, std::size_t length) {
  append(bytes, type, 1);
  append(bytes, static_cast<std::uint32_t>(length), 1);
}

void append_mac(Bytes& bytes, const MacAddress& mac) {
  std::ranges::copy(std::as_bytes(std::span(mac)), std::back_inserter(bytes));
}

// `bytes` are as many as a hardware address has.
MacAddress read_mac(std::span<const std::byte> bytes) {
  MacAddress mac;
  std::memcpy(mac.data(), bytes.data(), mac.size());
  return mac;
}

std::uint64_t read_long(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes)
    number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

std::uint32_t read(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(read_long(bytes));
}

// nft prints a comment between quotes and has no way to escape one, and takes 128 bytes with the
// NUL.
bool can_be_comment(std::string_view text) {
  return text.size() < NFTNL_UDATA_COMMENT_MAXLEN &&
         text.find_first_of(std::string_view("\"\\\0", 3)) == std::string_view::npos;
}

std::string_view cut(std::string_view utf8, std::size_t size) {
  if (utf8.size() <= size) return utf8;
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(utf8[i]) & 0xc0) == 0x80;
  };
  while (size > 0 && continues(size))
    --size;
  return utf8.substr(0, size);
}

void append_description(Bytes& bytes, std::string_view text) {
  if (text.empty()) return;
  const bool comment = can_be_comment(text);
  if (!comment) text = cut(text, kMaxKeptDescription);
  append_head(bytes, comment ? kComment : kDescription, text.size() + (comment ? 1 : 0));
  const auto raw = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  if (comment) bytes.push_back(std::byte{0});
}

void append_expires(Bytes& bytes, BootTime expires) {
  append_head(bytes, kExpires, kExpiresBytes);
  append(bytes, static_cast<std::uint64_t>(expires.time_since_epoch().count()), kExpiresBytes);
}

// Calls `function(type, value)` for each attribute that is there whole. libnftnl's own loop trusts
// the lengths.
template <class Function>
void for_each_attribute(std::span<const std::byte> bytes, const Function& function) {
  while (bytes.size() >= 2) {
    const auto length = std::to_integer<std::size_t>(bytes[1]);
    if (bytes.size() < 2 + length) return;
    function(std::to_integer<std::uint8_t>(bytes[0]), bytes.subspan(2, length));
    bytes = bytes.subspan(2 + length);
  }
}

std::string text_of(std::span<const std::byte> value) {
  std::string text;
  for (const std::byte byte : value) {
    if (byte == std::byte{0}) break;
    text += std::to_integer<char>(byte);
  }
  return text;
}

std::optional<BootTime> expires_of(std::span<const std::byte> value) {
  if (value.size() != kExpiresBytes) return std::nullopt;
  return BootTime(std::chrono::milliseconds(static_cast<std::int64_t>(read_long(value))));
}

std::optional<MappingNote::Record> record_of(std::span<const std::byte> value) {
  if (value.size() != kRecordBytes || read(value.first(1)) != kRecordVersion) return std::nullopt;
  return MappingNote::Record{.id = read(value.subspan(1, 4)),
                             .lan = static_cast<LanIndex>(read(value.subspan(5, 1))),
                             .owner = Ipv4Address::from_host_order(read(value.subspan(6, 4)))};
}

Bytes bytes_of(const IpAddress& address) {
  Bytes bytes;
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
    append(bytes, ipv4->host_order(), 4);
  if (const auto* const ipv6 = std::get_if<Ipv6Address>(&address))
    std::ranges::copy(std::as_bytes(std::span(ipv6->bytes())), std::back_inserter(bytes));
  return bytes;
}

// The address of either family that these bytes are.
std::optional<IpAddress> address_of(std::span<const std::byte> bytes) {
  if (bytes.size() == 4) return Ipv4Address::from_host_order(read(bytes));
  Ipv6Address::Bytes ipv6;
  if (bytes.size() != ipv6.size()) return std::nullopt;
  std::memcpy(ipv6.data(), bytes.data(), ipv6.size());
  return Ipv6Address::from_bytes(ipv6);
}

std::optional<PinholeNote> pinhole_note_of(std::span<const std::byte> value) {
  if (value.size() < kPinholeRecordBytes || read(value.first(1)) != kRecordVersion)
    return std::nullopt;
  const std::size_t address_bytes = value.size() - kPinholeRecordBytes;
  const auto id = UniqueId::parse(read(value.subspan(1, 2)));
  const auto owner = address_of(value.subspan(4, address_bytes));
  if (!id || !owner) return std::nullopt;
  return PinholeNote{.id = *id,
                     .lan = static_cast<LanIndex>(read(value.subspan(3, 1))),
                     .owner = *owner,
                     .host = read_mac(value.subspan(4 + address_bytes)),
                     .expires = std::nullopt};
}

}  // namespace

std::vector<std::byte> encode_mapping_note(const PortMapping& mapping) {
  Bytes bytes;
  append_description(bytes, mapping.description.text());
  append_head(bytes, kRecord, kRecordBytes);
  append(bytes, kRecordVersion, 1);
  append(bytes, mapping.id, 4);
  append(bytes, mapping.lan, 1);
  append(bytes, mapping.owner.host_order(), 4);
  if (mapping.expires) append_expires(bytes, *mapping.expires);
  if (mapping.host == MacAddress{}) return bytes;
  append_head(bytes, kHost, kHostBytes);
  append_mac(bytes, mapping.host);
  return bytes;
}

MappingNote decode_mapping_note(std::span<const std::byte> userdata) {
  MappingNote note;
  for_each_attribute(userdata, [&](std::uint8_t type, std::span<const std::byte> value) {
    if (type == kComment || type == kDescription) note.description = text_of(value);
    if (type == kRecord) note.record = record_of(value);
    if (type == kExpires) note.expires = expires_of(value);
    if (type == kHost && value.size() == kHostBytes) note.host = read_mac(value);
  });
  return note;
}

std::vector<std::byte> encode_pinhole_note(const Pinhole& pinhole) {
  Bytes bytes;
  append_expires(bytes, pinhole.expires);
  const Bytes owner = bytes_of(pinhole.owner);
  append_head(bytes, kPinholeRecord, kPinholeRecordBytes + owner.size());
  append(bytes, kRecordVersion, 1);
  append(bytes, pinhole.id.number(), 2);
  append(bytes, pinhole.lan, 1);
  bytes.insert(bytes.end(), owner.begin(), owner.end());
  append_mac(bytes, pinhole.host);
  return bytes;
}

std::optional<PinholeNote> decode_pinhole_note(std::span<const std::byte> userdata) {
  std::optional<PinholeNote> note;
  std::optional<BootTime> expires;
  for_each_attribute(userdata, [&](std::uint8_t type, std::span<const std::byte> value) {
    if (type == kPinholeRecord) note = pinhole_note_of(value);
    if (type == kExpires) expires = expires_of(value);
  });
  if (note) note->expires = expires;
  return note;
}

}  // namespace upnpd::kernel
