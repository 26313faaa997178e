#include <doctest/doctest.h>

#include <string>

#include "subscribe_head.h"

using namespace upnpd::announcer;

namespace {

std::string shown(std::string request) {
  hide_callback_without_nt(request);
  return request;
}

std::string subscribe(const std::string& headers, const std::string& end = "\r\n") {
  return "SUBSCRIBE /event HTTP/1.1\r\nHOST: 192.168.1.1:5000\r\n" + headers + end;
}

}  // namespace

TEST_SUITE_BEGIN("subscribe_head");

TEST_CASE("A CALLBACK without NT and SID is hidden, however it is written") {
  for (const char* const name : {"CALLBACK:", "Callback :", "callback: "}) {
    const std::string rest = std::string(name).substr(1) + "<http://192.168.1.2/>\r\n";
    CHECK(shown(subscribe(name[0] + rest)) == subscribe("X" + rest));
    CHECK(shown(subscribe(name[0] + rest + "TIMEOUT: Second-1800\r\n")) ==
          subscribe("X" + rest + "TIMEOUT: Second-1800\r\n"));
  }
  CHECK(shown("SUBSCRIBE / HTTP/1.1\nCALLBACK:<>\n\n") == "SUBSCRIBE / HTTP/1.1\nXALLBACK:<>\n\n");
}

TEST_CASE("Every other request is left as it is") {
  for (const std::string& request :
       {subscribe("CALLBACK: <http://192.168.1.2/>\r\nNT: upnp:event\r\n"),
        subscribe("nt:upnp:event\r\ncallback:<http://192.168.1.2/>\r\n"),
        subscribe("SID: uuid:1\r\nCALLBACK: <http://192.168.1.2/>\r\n"),
        subscribe("X-CALLBACK: <http://192.168.1.2/>\r\n"), subscribe("CALLBACK\r\n"),
        subscribe("CALLBACK: <http://192.168.1.2/>\r\n", ""),  // NT may be on its way
        subscribe("CALLBACK: <http://192.168.1.2/>\r\nN", ""),
        subscribe("TIMEOUT: Second-1800\r\n", "\r\nCALLBACK: <http://192.168.1.2/>\r\n"),
        std::string("UNSUBSCRIBE / HTTP/1.1\r\nCALLBACK: <>\r\n\r\n"), std::string("SUBSCRIBE "),
        std::string("\0\n\n", 3), std::string()})
    CHECK(shown(request) == request);
}

TEST_SUITE_END();
