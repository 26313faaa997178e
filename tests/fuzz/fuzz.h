// What the fuzz targets share. A target is LLVMFuzzerTestOneInput of libFuzzer's; what must hold is
// said with must(), which aborts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace upnpd::fuzz {

inline void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "must hold: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

// Takes an input apart, from its beginning. At its end there are zeros.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  bool is_empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t first = left_.front();
    left_ = left_.subspan(1);
    return first;
  }
  std::uint16_t two_bytes() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  std::uint32_t four_bytes() {
    const std::uint32_t high = two_bytes();
    return high << 16 | two_bytes();
  }
  // What stands before the next `end`, which is taken too; all that is left when there is none.
  std::string_view until(char end) {
    const std::string_view all = rest();
    const std::size_t size = all.find(end);
    if (size == std::string_view::npos) return left_ = {}, all;
    return left_ = left_.subspan(size + 1), all.substr(0, size);
  }
  std::string_view rest() const { return text_of(left_.data(), left_.size()); }

 private:
  std::span<const std::uint8_t> left_;
};

// Whether `text` holds a byte that moves a terminal's cursor or ends a line.
inline bool has_control(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

}  // namespace upnpd::fuzz
