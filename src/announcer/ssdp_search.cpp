#include "ssdp_search.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace upnpd::announcer {
namespace {

constexpr std::size_t kMaxTarget = 256;
constexpr unsigned kMaxWait = 5;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool contains_text(std::string_view text, std::string_view part) {
  return !std::ranges::search(text, part, {}, lower, lower).empty();
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

// Takes the first line off `rest`, with its CRLF or LF.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Takes the first word off `rest`, with the blanks after it.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const auto end = static_cast<std::size_t>(std::ranges::find_if(rest, is_blank) - rest.begin());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

bool is_search_line(std::string_view line) {
  const std::string_view method = take_word(line);
  const std::string_view target = take_word(line);
  return same_text(method, "M-SEARCH") && target == "*" && line.size() == 8 &&
         same_text(line.substr(0, 7), "HTTP/1.");
}

bool is_discover(std::string_view man) {
  if (man.starts_with('"')) man.remove_prefix(1);
  if (man.ends_with('"')) man.remove_suffix(1);
  return same_text(trimmed(man), "ssdp:discover");
}

unsigned wait_of(std::string_view mx) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(mx.data(), mx.data() + mx.size(), seconds);
  if (error == std::errc::result_out_of_range) return kMaxWait;
  if (error != std::errc() || end != mx.data() + mx.size()) return 1;
  return std::min(seconds, kMaxWait);
}

bool is_target(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTarget && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool is_microsoft(std::string_view user_agent) {
  return contains_text(user_agent, "Microsoft") || contains_text(user_agent, "FDSSDP") ||
         contains_text(user_agent, "Xbox");
}

}  // namespace

std::expected<SsdpSearch, SearchError> parse_search(std::string_view datagram) {
  if (datagram.empty() || datagram.size() > kMaxSearchBytes)
    return std::unexpected(SearchError::WrongSize);
  if (!is_search_line(take_line(datagram))) return std::unexpected(SearchError::NotASearch);

  SsdpSearch search;
  bool discover = false;
  while (!datagram.empty()) {
    const std::string_view line = take_line(datagram);
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (same_text(name, "MAN")) discover = is_discover(value);
    if (same_text(name, "ST")) search.search_target = is_target(value) ? value : std::string_view();
    if (same_text(name, "MX")) search.maximum_wait = wait_of(value);
    if (same_text(name, "USER-AGENT")) search.from_microsoft = is_microsoft(value);
  }
  if (!discover) return std::unexpected(SearchError::NotDiscover);
  if (search.search_target.empty()) return std::unexpected(SearchError::NoTarget);
  return search;
}

}  // namespace upnpd::announcer
