// The bytes under the codec: a Writer that appends and a Reader that takes, numbers big-endian. A
// Reader that runs out, or is told that a value was refused, remembers the first error and hands
// out zeros from there on; who reads asks error() once, at the end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec.h"

namespace upnpd::wire {

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (int shift = 8 * (int(sizeof(T)) - 1); shift >= 0; shift -= 8)
      bytes_.push_back(std::byte(value >> shift & 0xff));
  }
  // Strings longer than 65535 bytes are our own bug: nothing that long is ever a field.
  void string(std::string_view text);
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    if (!has(sizeof(T))) return 0;
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = T(std::uint64_t{value} << 8 | std::to_integer<std::uint64_t>(bytes_[i]));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  std::string string();

  void fail(DecodeError error) {
    if (!error_) error_ = error;
  }
  bool has_failed() const { return error_.has_value(); }
  // The first thing that was wrong, bytes left over included; no value: the frame was whole.
  std::optional<DecodeError> error() const {
    if (!error_ && !bytes_.empty()) return DecodeError::WrongLength;
    return error_;
  }

 private:
  bool has(std::size_t count);
  std::span<const std::byte> bytes_;
  std::optional<DecodeError> error_;
};

}  // namespace upnpd::wire
