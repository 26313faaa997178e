// Whether a request's head is one to answer: who asks, under which name, from which page, for what.
// Against the internet's callers, DNS rebinding and web pages that make a browser ask. Pure.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "http_answer.h"
#include "http_route.h"
#include "soap_action.h"
#include "upnpd/ip_address.h"

namespace upnpd::igd {

// A request's head; the views are the HTTP library's, for the time of the call.
struct HttpHead {
  std::optional<IpAddress> caller;
  std::string_view method;
  std::string_view target;  // the request line's, without the query
  std::optional<std::string_view> host;
  std::optional<std::string_view> origin;
  std::optional<std::string_view> referer;
  std::optional<std::string_view> content_type;
  std::optional<std::string_view> soap_action;
  std::optional<std::string_view> user_agent;
  std::optional<std::string_view> content_length;
  bool is_chunked = false;
  bool has_repeated_host = false;
};

// Where the service is, as seen from the LAN.
struct HttpSite {
  std::span<const IpNetwork> addresses;  // the router's own there, and the prefixes
  std::uint16_t port;
  std::string_view path_token;
  std::span<const Ipv4Network> further_networks = {};  // whose hosts may ask too
};

// A request that passed: a document to send, or a control request whose body is to be read.
struct DocumentRequest {
  std::string_view file_name;
};
struct ControlRequest {
  ControlRoute route;
  SoapAction soap_action;
};
using HttpRequest = std::variant<DocumentRequest, ControlRequest>;

// The router's own address on the caller's network, the first of `addresses` for a host of a
// further one; no value for a caller from elsewhere.
std::optional<IpAddress> address_towards(const IpAddress& caller,
                                         std::span<const IpNetwork> addresses,
                                         std::span<const Ipv4Network> further_networks = {});

// Checks, in this order: the caller is on the LAN (403); Host, when present, is an address of ours
// alone or with our port (403); Origin and Referer, when present, are our own (403); the path is
// known (404), the method its own (405); for control: text/xml, or no type but a SOAPACTION (415),
// a SOAPACTION (400), a body's length (411; but see missing_length.h) within kMaxSoapBody (413).
// Programs of Windows and Xbox give up on an InternetGatewayDevice:2: they get the igd1.xml for
// igd2.xml.
std::expected<HttpRequest, HttpAnswer> check_head(const HttpHead& head, const HttpSite& site);

// Whether "ADDRESS" or "ADDRESS:PORT" is the site's own. An IPv6 literal stands between brackets; a
// zone in it, which is the client's own affair, is passed over (RFC 6874 section 1).
bool is_own_host(std::string_view host, const HttpSite& site);

// Whether an absolute URL or an origin, "http://ADDRESS:PORT...", is the site's own. The port may
// be left out when it is 80.
bool is_own_url(std::string_view url, const HttpSite& site);

// Whether a Content-Type is text/xml, in any case, with any parameters.
bool is_text_xml(std::string_view content_type);

}  // namespace upnpd::igd
