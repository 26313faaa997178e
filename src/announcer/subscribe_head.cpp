#include "subscribe_head.h"

#include <algorithm>
#include <string_view>

namespace upnpd::announcer {
namespace {

constexpr std::string_view kMethod = "SUBSCRIBE ";

// Of ASCII, whatever the locale.
bool is_named(std::string_view header, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const std::string_view written = header.substr(0, header.find(':'));
  return header.size() > written.size() &&
         std::ranges::equal(written.substr(0, written.find_last_not_of(" \t") + 1), name, {}, lower,
                            lower);
}

}  // namespace

void hide_callback_without_nt(std::span<char> request) {
  const std::string_view text(request.data(), request.size());
  if (!text.starts_with(kMethod)) return;
  std::size_t callback = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return;
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    if (is_named(line, "nt") || is_named(line, "sid")) return;
    if (is_named(line, "callback")) callback = at;
    at = end + 1;
    if (at == text.size()) return;
  }
  if (callback != std::string_view::npos) request[callback] = 'X';
}

}  // namespace upnpd::announcer
