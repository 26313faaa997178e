#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ssdp_search.h"

using namespace upnpd::announcer;

namespace {

const std::string kRootSearch =
    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
    "MX: 3\r\nST: upnp:rootdevice\r\n\r\n";

std::string search_with(const std::string& headers) {
  return "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n" + headers + "\r\n";
}

}  // namespace

TEST_SUITE_BEGIN("ssdp_search");

TEST_CASE("a search as the standard writes it is read") {
  const auto search = parse_search(kRootSearch);
  REQUIRE(search);
  CHECK(search->search_target == "upnp:rootdevice");
  CHECK(search->maximum_wait == 3);
  CHECK_FALSE(search->from_microsoft);
}

TEST_CASE("what clients get wrong is forgiven") {
  const std::vector<std::string> searches{
      "m-search * http/1.0\r\nman:\"ssdp:discover\"\r\nst:upnp:rootdevice\r\n\r\n",
      "M-SEARCH * HTTP/1.1\nMan: ssdp:discover\nSt: upnp:rootdevice\n\n",
      "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: upnp:rootdevice",
      "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST:   upnp:rootdevice  \r\n",
      "M-SEARCH * HTTP/1.1\r\nST: upnp:rootdevice\r\nno colon here\r\nMAN: "
      "\"ssdp:discover\"\r\n\r\n",
      "M-SEARCH  *  HTTP/1.1\r\nMAN : \"SSDP:DISCOVER\"\r\nST: upnp:rootdevice\r\n\r\n",
  };
  for (const std::string& text : searches) {
    CAPTURE(text);
    const auto search = parse_search(text);
    REQUIRE(search);
    CHECK(search->search_target == "upnp:rootdevice");
    CHECK(search->maximum_wait == 0);
  }
}

TEST_CASE("MX is bounded") {
  const std::vector<std::pair<std::string, unsigned>> cases{
      {"0", 0},  {"1", 1},    {"5", 5}, {"6", 5},  {"120", 5}, {"99999999999999999999", 5},
      {"-1", 1}, {"soon", 1}, {"", 1},  {"2x", 1},
  };
  for (const auto& [mx, seconds] : cases) {
    CAPTURE(mx);
    const auto search = parse_search(search_with("MX: " + mx + "\r\n"));
    REQUIRE(search);
    CHECK(search->maximum_wait == seconds);
  }
}

TEST_CASE("what is no search is refused for its reason") {
  const std::vector<std::pair<std::string, SearchError>> cases{
      {"", SearchError::WrongSize},
      {std::string(kMaxSearchBytes + 1, 'M'), SearchError::WrongSize},
      {"NOTIFY * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n",
       SearchError::NotASearch},
      {"M-SEARCH /x HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n",
       SearchError::NotASearch},
      {"M-SEARCH * HTTP/2.0\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n",
       SearchError::NotASearch},
      {"M-SEARCH * HTTP/1.1 x\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n",
       SearchError::NotASearch},
      {"\r\n\r\n", SearchError::NotASearch},
      {std::string(100, '\0'), SearchError::NotASearch},
      {"M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n", SearchError::NotDiscover},
      {"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:update\"\r\nST: ssdp:all\r\n\r\n",
       SearchError::NotDiscover},
      {"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\nST: ssdp:all\r\n\r\n",
       SearchError::NoTarget},
      {"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST:\r\n\r\n", SearchError::NoTarget},
      {"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: " + std::string(257, 'x') + "\r\n\r\n",
       SearchError::NoTarget},
      {"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\rX: y\r\n\r\n",
       SearchError::NoTarget},
  };
  for (const auto& [text, error] : cases) {
    CAPTURE(text);
    const auto search = parse_search(text);
    REQUIRE_FALSE(search);
    CHECK(search.error() == error);
  }
}

TEST_CASE("Windows and the Xbox are known by their USER-AGENT") {
  for (const char* agent : {"Microsoft-Windows/10.0 UPnP/1.0", "FDSSDP", "Xbox/2.0"})
    CHECK(parse_search(search_with("User-Agent: " + std::string(agent) + "\r\n"))->from_microsoft);
  CHECK_FALSE(
      parse_search(search_with("USER-AGENT: Linux UPnP/1.1 MiniUPnPc/2.2\r\n"))->from_microsoft);
}

TEST_CASE("every beginning of a search is read or refused, and none is read beyond its end") {
  for (std::size_t length = 0; length <= kRootSearch.size(); ++length) {
    const std::string beginning = kRootSearch.substr(0, length);
    const auto search = parse_search(beginning);
    if (search) CHECK(beginning.find("ST: " + search->search_target) != std::string::npos);
  }
}

TEST_SUITE_END();
