#include "bytes.h"

#include <cstdlib>

namespace upnpd::wire {

void Writer::string(std::string_view text) {
  if (text.size() > UINT16_MAX) std::abort();
  number(static_cast<std::uint16_t>(text.size()));
  for (const char c : text)
    bytes_.push_back(std::byte(c));
}

std::string Reader::string() {
  const std::size_t length = number<std::uint16_t>();
  if (!has(length)) return {};
  std::string text;
  for (const std::byte b : bytes_.first(length))
    text += static_cast<char>(b);
  bytes_ = bytes_.subspan(length);
  return text;
}

bool Reader::has(std::size_t count) {
  if (error_ || bytes_.size() < count) {
    fail(DecodeError::WrongLength);
    bytes_ = {};
    return false;
  }
  return true;
}

}  // namespace upnpd::wire
