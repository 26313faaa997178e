// Messages to bytes and back. A frame is the message's number (one byte), then its fields in the
// order of upnpd/messages.h: numbers big-endian, strings with a 16-bit length. Decoding takes
// exactly the frame, builds each value through its parse(), and trusts nothing of it.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

#include "upnpd/messages.h"

namespace upnpd::wire {

// No frame is longer. The longest message is DeviceIdentity.
inline constexpr std::size_t kMaxFrame = 16 * 1024;

enum class DecodeError {
  UnknownMessage,  // not one of those this direction carries
  WrongLength,     // too short, or bytes left over
  InvalidValue,    // a field that its parse() refuses
};
const char* to_string(DecodeError error);

// Defined for each message of upnpd/messages.h.
template <class Message>
std::vector<std::byte> encode(const Message& message);

// Decodes a frame as one of the alternatives of `Messages`: ToService, FromService, ToAnnouncer or
// FromAnnouncer.
template <class Messages>
std::expected<Messages, DecodeError> decode(std::span<const std::byte> frame);

}  // namespace upnpd::wire
