#include "http_checks.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace upnpd;
using namespace upnpd::igd;

namespace {

const std::vector<IpNetwork> kAddresses{*Ipv4Network::parse("192.168.77.1/24")};
const std::vector<IpNetwork> kIpv6Addresses{*Ipv6Network::parse("fe80::1/64"),
                                            *Ipv6Network::parse("2001:db8:77::1/64")};

HttpSite site() {
  return {.addresses = kAddresses, .port = 5000, .path_token = "t0ken"};
}

HttpSite ipv6_site() {
  return {.addresses = kIpv6Addresses, .port = 5000, .path_token = "t0ken"};
}

HttpHead a_get(std::string_view target = "/t0ken/igd1.xml") {
  return {.caller = Ipv4Address::parse("192.168.77.10"),
          .method = "GET",
          .target = target,
          .host = "192.168.77.1:5000"};
}

HttpHead a_post() {
  HttpHead head = a_get("/t0ken/control/igd1/WANIPConn1");
  head.method = "POST";
  head.content_type = "text/xml; charset=\"utf-8\"";
  head.soap_action = "\"urn:x:1#A\"";
  head.content_length = "100";
  return head;
}

int status(const HttpHead& head) {
  const auto request = check_head(head, site());
  return request ? 200 : static_cast<int>(request.error().status);
}

int status_with(std::optional<std::string_view> HttpHead::*field,
                std::optional<std::string_view> value, HttpHead head = a_post()) {
  head.*field = value;
  return status(head);
}

}  // namespace

TEST_SUITE("http_checks") {
  TEST_CASE("the caller is on the LAN, or it is refused") {
    const auto from = [](std::optional<IpAddress> caller) {
      HttpHead head = a_get();
      head.caller = caller;
      return status(head);
    };
    CHECK(from(Ipv4Address::parse("192.168.77.254")) == 200);
    CHECK(from(Ipv4Address::parse("192.168.77.1")) == 200);
    CHECK(from(Ipv4Address::parse("192.168.78.10")) == 403);
    CHECK(from(Ipv4Address::parse("203.0.113.9")) == 403);
    CHECK(from(std::nullopt) == 403);
  }

  TEST_CASE("over IPv6 too the caller is on the LAN, and Host is a literal of ours") {
    const auto status_of = [](const char* caller, std::string_view host) {
      HttpHead head = a_get();
      head.caller = Ipv6Address::parse(caller);
      head.host = host;
      const auto request = check_head(head, ipv6_site());
      return request ? 200 : static_cast<int>(request.error().status);
    };
    for (const char* caller : {"fe80::10", "2001:db8:77::abcd"})
      for (const char* host : {"[2001:db8:77::1]:5000", "[fe80::1]", "[FE80:0::1]:5000",
                               "[fe80::1%eth0]:5000", "[fe80::1%25eth0]:5000"})
        CHECK(status_of(caller, host) == 200);
    for (const char* caller : {"2001:db8:78::10", "fe80:1::10", "::1", "::ffff:192.168.77.10"})
      CHECK(status_of(caller, "[2001:db8:77::1]:5000") == 403);
    for (const char* host :
         {"2001:db8:77::1", "[2001:db8:77::1]:80", "[2001:db8:77::2]:5000", "192.168.77.1:5000",
          "[2001:db8:77::1", "[2001:db8:77::1].evil.example", "[2001:db8:77::1]:5000@evil.example",
          "[evil.example]:5000", "[]:5000", "[::ffff:192.168.77.1]:5000", "evil.example"})
      CHECK(status_of("fe80::10", host) == 403);
    CHECK(is_own_url("http://[2001:db8:77::1]:5000/x", ipv6_site()));
    CHECK_FALSE(is_own_url("http://[2001:db8:77::2]:5000/x", ipv6_site()));
    CHECK_FALSE(is_own_url("http://[2001:db8:77::1]/x", ipv6_site()));
  }

  TEST_CASE("our address is the one on the caller's network") {
    const auto towards = [](const char* caller) {
      const auto own = address_towards(*parse_ip_address(caller), kIpv6Addresses);
      return own ? to_string(*own) : "";
    };
    CHECK(towards("fe80::77") == "fe80::1");
    CHECK(towards("2001:db8:77::77") == "2001:db8:77::1");
    CHECK(towards("2001:db8::77") == "");
    CHECK(towards("192.168.77.10") == "");
  }

  TEST_CASE("Host is our address, alone or with our port, or absent") {
    for (const char* host : {"192.168.77.1:5000", "192.168.77.1", " 192.168.77.1:5000 "})
      CHECK(status_with(&HttpHead::host, host) == 200);
    CHECK(status_with(&HttpHead::host, std::nullopt) == 200);
    for (const char* host :
         {"", "evil.example", "evil.example:5000", "192.168.77.1:80", "192.168.77.1:05000",
          "192.168.77.10:5000", "192.168.77.1.evil.example", "192.168.77.1:5000@evil.example",
          "192.168.077.1:5000", "192.168.77.1:"})
      CHECK(status_with(&HttpHead::host, host) == 403);
    HttpHead repeated = a_get();
    repeated.has_repeated_host = true;
    CHECK(status(repeated) == 403);
  }

  TEST_CASE("a page from anywhere else is refused by Origin and Referer") {
    for (const auto field : {&HttpHead::origin, &HttpHead::referer}) {
      CHECK(status_with(field, "http://192.168.77.1:5000") == 200);
      CHECK(status_with(field, "HTTP://192.168.77.1:5000/t0ken/igd1.xml") == 200);
      for (const char* url :
           {"", "null", "http://evil.example", "https://192.168.77.1:5000", "http://192.168.77.1",
            "http://192.168.77.1:80", "http://192.168.77.1:5000.evil.example",
            "http://192.168.77.1:5000@evil.example/", "file:///", "http:"})
        CHECK(status_with(field, url) == 403);
    }
  }

  TEST_CASE("the port of a URL may be left out when it is 80") {
    const HttpSite at_80{.addresses = kAddresses, .port = 80, .path_token = "t"};
    CHECK(is_own_url("http://192.168.77.1", at_80));
    CHECK(is_own_url("http://192.168.77.1:80/x", at_80));
    CHECK_FALSE(is_own_url("http://192.168.77.1:5000", at_80));
  }

  TEST_CASE("only the paths under the token are known") {
    for (const char* path :
         {"/t0ken/igd1.xml", "/t0ken/igd2.xml", "/t0ken/WANIPConnection1.xml",
          "/t0ken/WANIPConnection2.xml", "/t0ken/WANCommonInterfaceConfig1.xml",
          "/t0ken/Layer3Forwarding1.xml", "http://192.168.77.1:5000/t0ken/igd1.xml"})
      CHECK(status(a_get(path)) == 200);
    for (const char* path :
         {"/", "/igd1.xml", "/t0ken", "/t0ken/", "/t0ke/igd1.xml", "/t0kenigd1.xml",
          "/t0ken/../igd1.xml", "/t0ken//igd1.xml", "/t0ken/meson.build", "/t0ken/control/",
          "/t0ken/control/igd3/WANIPConn1", "/t0ken/control/igd1/", "/t0ken/control/igd1/Nope"})
      CHECK(status(a_get(path)) == 404);
    CHECK(status(a_get("http://evil.example/t0ken/igd1.xml")) == 403);
    CHECK(status(a_get("*")) == 403);
    CHECK_FALSE(find_route("//igd1.xml", ""));
  }

  TEST_CASE("each path has its methods") {
    HttpHead head = a_get();
    head.method = "HEAD";
    CHECK(status(head) == 200);
    head.method = "POST";
    CHECK(status(head) == 405);
    CHECK(check_head(head, site()).error().allow == "GET, HEAD");
    HttpHead control = a_post();
    for (const char* method : {"GET", "PUT", "M-POST", "SUBSCRIBE", "post"}) {
      control.method = method;
      CHECK(status(control) == 405);
      CHECK(check_head(control, site()).error().allow == "POST");
    }
  }

  TEST_CASE("a control request is text/xml, or has no type but a SOAPACTION") {
    for (const char* type : {"text/xml", "TEXT/XML;charset=utf-8", " text/xml ; charset=\"utf-8\""})
      CHECK(status_with(&HttpHead::content_type, type) == 200);
    CHECK(status_with(&HttpHead::content_type, std::nullopt) == 200);
    for (const char* type :
         {"", "text/plain", "application/xml", "application/x-www-form-urlencoded",
          "multipart/form-data", "text/xmlx"})
      CHECK(status_with(&HttpHead::content_type, type) == 415);
    HttpHead neither = a_post();
    neither.content_type.reset();
    neither.soap_action.reset();
    CHECK(status(neither) == 415);
  }

  TEST_CASE("a control request needs a SOAPACTION that can be read") {
    CHECK(status_with(&HttpHead::soap_action, std::nullopt) == 400);
    CHECK(status_with(&HttpHead::soap_action, "") == 400);
    CHECK(status_with(&HttpHead::soap_action, "AddPortMapping") == 400);
  }

  TEST_CASE("a body's length is told, and within 16 KiB") {
    CHECK(status_with(&HttpHead::content_length, "16384") == 200);
    CHECK(status_with(&HttpHead::content_length, "16385") == 413);
    CHECK(status_with(&HttpHead::content_length, "99999999999999999999999999") == 413);
    CHECK(status_with(&HttpHead::content_length, "-1") == 400);
    CHECK(status_with(&HttpHead::content_length, std::nullopt) == 411);
    HttpHead chunked = a_post();
    chunked.content_length.reset();
    chunked.is_chunked = true;
    CHECK(status(chunked) == 200);
  }

  TEST_CASE("Windows and Xbox get version 1's description") {
    const auto file_for = [](std::string_view path, std::string_view user_agent) {
      HttpHead head = a_get(path);
      head.user_agent = user_agent;
      return std::get<DocumentRequest>(*check_head(head, site())).file_name;
    };
    CHECK(file_for("/t0ken/igd2.xml", "FDSSDP") == "igd1.xml");
    CHECK(file_for("/t0ken/igd2.xml", "Microsoft-Windows/10.0 UPnP/1.0") == "igd1.xml");
    CHECK(file_for("/t0ken/igd2.xml", "MiniUPnPc/2.2") == "igd2.xml");
    CHECK(file_for("/t0ken/igd1.xml", "FDSSDP") == "igd1.xml");
  }
}
