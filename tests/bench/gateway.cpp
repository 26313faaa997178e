#include "gateway.h"

#include <arpa/inet.h>
#include <poll.h>

#include <charconv>
#include <pugixml.hpp>
#include <string_view>

#include "http_connection.h"
#include "options.h"

namespace upnpd::bench {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr int kPatienceMs = 5000;

struct Url {
  std::string authority;
  std::string path;
};

Url parse_url(const std::string& url) {
  if (!url.starts_with(kHttp)) fail("not an http URL: " + url);
  const std::size_t slash = std::min(url.find('/', kHttp.size()), url.size());
  return {url.substr(kHttp.size(), slash - kHttp.size()),
          slash == url.size() ? "/" : url.substr(slash)};
}

std::string fetch(const Url& url) {
  HttpConnection connection(address_of(url.authority), address_of(""), false);
  if (!connection.begin("GET " + url.path + " HTTP/1.1\r\nHost: " + url.authority +
                        "\r\nConnection: close\r\n\r\n"))
    fail_with_errno("connecting to " + url.authority);
  for (;;) {
    pollfd waiting{connection.fd(), short(connection.wants_to_write() ? POLLOUT : POLLIN), 0};
    if (::poll(&waiting, 1, kPatienceMs) <= 0) fail("no answer from " + url.authority);
    const Progress progress = connection.advance();
    if (progress == Progress::Broken) fail("no whole answer from " + url.authority);
    if (progress == Progress::Answered) break;
  }
  if (connection.answer().status != 200)
    fail("the description is answered " + std::to_string(connection.answer().status));
  return std::string(connection.answer().body);
}

// Depth first, so that the outer document's order counts.
pugi::xml_node connection_service(const pugi::xml_document& description) {
  return description.find_node([](pugi::xml_node node) {
    return std::string_view(node.name()) == "service" &&
           std::string_view(node.child_value("serviceType")).find(":WANIPConnection:") !=
               std::string_view::npos;
  });
}

}  // namespace

sockaddr_in address_of(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (text.empty()) return address;
  const std::size_t colon = text.find(':');
  if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    fail("not an IPv4 address: " + text);
  if (colon == std::string::npos) return address;
  std::uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  address.sin_port = htons(port);
  return address;
}

Gateway learn_gateway(const std::string& location) {
  const Url url = parse_url(location);
  pugi::xml_document description;
  if (!description.load_string(fetch(url).c_str())) fail("the description is not XML");
  const pugi::xml_node service = connection_service(description);
  if (!service) fail("the description has no WANIPConnection");
  const std::string control = service.child_value("controlURL");
  const Url where = control.starts_with(kHttp)
                        ? parse_url(control)
                        : Url{url.authority, control.starts_with('/') ? control : "/" + control};
  return {address_of(where.authority), where.authority, where.path,
          service.child_value("serviceType")};
}

}  // namespace upnpd::bench
