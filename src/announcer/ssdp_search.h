// Reads a search (M-SEARCH) as it came from the LAN, and forgives what clients get wrong: header
// names in any case, no blank after the colon, MAN without quotes, bare line feeds, no blank line
// at the end, no MX. Pure: bytes in, a value or the reason for silence out.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace upnpd::announcer {

// Longer datagrams are no search.
inline constexpr std::size_t kMaxSearchBytes = 2048;

// What is searched for, and how (UDA 1.1 section 1.3.2).
struct SsdpSearch {
  std::string search_target;    // ST as it was written, without surrounding blanks
  unsigned maximum_wait = 0;    // MX in seconds, 0 to 5; 0 = answer soon
  bool from_microsoft = false;  // the USER-AGENT is Windows' or the Xbox's
};

enum class SearchError {
  WrongSize,    // empty, or longer than kMaxSearchBytes
  NotASearch,   // another request line: a NOTIFY, a reply
  NotDiscover,  // MAN missing, or not "ssdp:discover"
  NoTarget,     // ST missing, longer than 256 bytes or with control characters
};

std::expected<SsdpSearch, SearchError> parse_search(std::string_view datagram);

}  // namespace upnpd::announcer
