// FNV-1a of 32 bits: a hash that is the same in every process and after each start, for numbers
// that follow from names. Against nobody who chooses what is hashed.
#pragma once

#include <cstdint>
#include <string_view>

namespace upnpd {

class Fnv1a {
 public:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x01000193; }
  void add(std::string_view text) {
    for (const char c : text)
      add_byte(static_cast<std::uint8_t>(c));
  }
  std::uint32_t value() const { return value_; }

 private:
  std::uint32_t value_ = 0x811c9dc5;
};

}  // namespace upnpd
