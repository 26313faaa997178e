#include "http_checks.h"

#include <algorithm>
#include <array>
#include <string>

#include "soap_request.h"
#include "xml_text.h"

namespace upnpd::igd {
namespace {

constexpr std::string_view kHttp = "http://";

std::unexpected<HttpAnswer> refuse(HttpStatus status, std::string_view reason,
                                   std::string_view allow = {}) {
  return std::unexpected(HttpAnswer{.status = status, .allow = allow, .reason = reason});
}

// An authority with its IPv6 literal, if it is one, as we write it.
std::string normal(std::string_view authority) {
  const std::size_t close = authority.find(']');
  if (!authority.starts_with('[') || close == std::string_view::npos) return std::string(authority);
  const std::string_view literal = authority.substr(1, close - 1);
  const auto address = Ipv6Address::parse(literal.substr(0, literal.find('%')));
  if (!address) return std::string(authority);
  return url_host(*address) + std::string(authority.substr(close + 1));
}

bool is_one_of_ours(std::string_view host, const HttpSite& site) {
  return std::ranges::any_of(
      site.addresses, [&](const IpNetwork& own) { return url_host(address_of(own)) == host; });
}

bool is_own_authority(std::string_view authority, const HttpSite& site) {
  const std::string written = normal(authority);
  std::string_view host = written;
  const std::string port = ":" + std::to_string(site.port);
  if (host.ends_with(port))
    host.remove_suffix(port.size());
  else if (site.port != 80)
    return false;
  return is_one_of_ours(host, site);
}

// A client may put the whole URL in the request line (RFC 9112 section 3.2.2).
std::optional<std::string_view> path_of(std::string_view target, const HttpSite& site) {
  if (target.starts_with('/')) return target;
  if (!is_own_url(target, site)) return std::nullopt;
  const std::size_t slash = target.find('/', kHttp.size());
  return slash == std::string_view::npos ? "/" : target.substr(slash);
}

std::string_view find_forgery(const HttpHead& head, const HttpSite& site) {
  if (head.host && (head.has_repeated_host || !is_own_host(*head.host, site)))
    return "foreign Host";
  if (head.origin && !is_own_url(*head.origin, site)) return "foreign Origin";
  if (head.referer && !is_own_url(*head.referer, site)) return "foreign Referer";
  return {};
}

bool is_microsofts(const HttpHead& head) {
  return head.user_agent &&
         std::ranges::any_of(std::array{"Microsoft", "FDSSDP", "Xbox"}, [&](std::string_view name) {
           return head.user_agent->find(name) != std::string_view::npos;
         });
}

std::expected<HttpRequest, HttpAnswer> check_document(const HttpHead& head,
                                                      std::string_view file_name) {
  if (head.method != "GET" && head.method != "HEAD")
    return refuse(HttpStatus::MethodNotAllowed, "method not allowed", "GET, HEAD");
  if (file_name == "igd2.xml" && is_microsofts(head)) file_name = "igd1.xml";
  return DocumentRequest{file_name};
}

// Whether a Content-Length is a number of bytes that is read; no value: not a number.
std::optional<bool> is_acceptable_length(std::string_view content_length) {
  const std::string_view text = trimmed(content_length);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  std::size_t length = 0;
  for (const char digit : text) {
    length = length * 10 + static_cast<std::size_t>(digit - '0');
    if (length > kMaxSoapBody) return false;
  }
  return true;
}

std::expected<HttpRequest, HttpAnswer> check_control(const HttpHead& head,
                                                     const ControlRoute& route) {
  if (head.method != "POST")
    return refuse(HttpStatus::MethodNotAllowed, "method not allowed", "POST");
  if (head.content_type ? !is_text_xml(*head.content_type) : !head.soap_action)
    return refuse(HttpStatus::UnsupportedMediaType, "body is not text/xml");
  if (!head.soap_action) return refuse(HttpStatus::BadRequest, "no SOAPACTION");
  auto soap_action = parse_soap_action(*head.soap_action);
  if (!soap_action) return refuse(HttpStatus::BadRequest, "malformed SOAPACTION");
  if (!head.is_chunked) {
    if (!head.content_length) return refuse(HttpStatus::LengthRequired, "body without length");
    const auto acceptable = is_acceptable_length(*head.content_length);
    if (!acceptable) return refuse(HttpStatus::BadRequest, "malformed Content-Length");
    if (!*acceptable) return refuse(HttpStatus::ContentTooLarge, "body too large");
  }
  return ControlRequest{route, *std::move(soap_action)};
}

}  // namespace

std::optional<IpAddress> address_towards(const IpAddress& caller,
                                         std::span<const IpNetwork> addresses,
                                         std::span<const Ipv4Network> further_networks) {
  const auto found = std::ranges::find_if(
      addresses, [&](const IpNetwork& own) { return contains_host(own, caller); });
  if (found != addresses.end()) return address_of(*found);
  const auto* const ipv4 = std::get_if<Ipv4Address>(&caller);
  if (addresses.empty() || ipv4 == nullptr || !any_contains_host(further_networks, *ipv4))
    return std::nullopt;
  return address_of(addresses.front());
}

std::expected<HttpRequest, HttpAnswer> check_head(const HttpHead& head, const HttpSite& site) {
  if (!head.caller || !address_towards(*head.caller, site.addresses, site.further_networks))
    return refuse(HttpStatus::Forbidden, "caller is not on this LAN");
  if (const auto forgery = find_forgery(head, site); !forgery.empty())
    return refuse(HttpStatus::Forbidden, forgery);
  const auto path = path_of(head.target, site);
  if (!path) return refuse(HttpStatus::Forbidden, "foreign URL");
  const auto route = find_route(*path, site.path_token);
  if (!route) return refuse(HttpStatus::NotFound, "unknown path");
  if (const auto* document = std::get_if<DocumentRoute>(&*route))
    return check_document(head, document->file_name);
  return check_control(head, std::get<ControlRoute>(*route));
}

bool is_own_host(std::string_view host, const HttpSite& site) {
  const std::string_view authority = trimmed(host);
  return is_one_of_ours(normal(authority), site) || is_own_authority(authority, site);
}

bool is_own_url(std::string_view url, const HttpSite& site) {
  if (url.size() < kHttp.size() || !equal_in_any_case(url.substr(0, kHttp.size()), kHttp))
    return false;
  url.remove_prefix(kHttp.size());
  return is_own_authority(url.substr(0, url.find_first_of("/?#")), site);
}

bool is_text_xml(std::string_view content_type) {
  return equal_in_any_case(trimmed(content_type.substr(0, content_type.find(';'))), "text/xml");
}

}  // namespace upnpd::igd
