// Calls as libmicrohttpd would hand them to control(), on a router with a WAN or without, and what
// is looked for in the answers.
#pragma once

#include <doctest/doctest.h>

#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "soap_builder.h"
#include "soap_control.h"
#include "states_told.h"

namespace upnpd::igd::test {

using namespace std::chrono_literals;
using namespace upnpd::test;

using Outcome = std::variant<HttpAnswer, PendingCall>;

inline Outcome called(const SoapBuilder& call, std::string_view service_id = "WANIPConn1",
                      StateView state = connected()) {
  const std::string body = call.body();
  return control({.route = {state.igd_version, service_id},
                  .soap_action = *parse_soap_action(call.soap_action()),
                  .body = body,
                  .caller = address("192.168.77.10"),
                  .lan = 1,
                  .state = state});
}

inline int error_code(const HttpAnswer& answer) {
  pugi::xml_document document;
  REQUIRE(document.load_string(answer.body.c_str()));
  CHECK(answer.status == HttpStatus::InternalServerError);
  return document.child("s:Envelope")
      .child("s:Body")
      .child("s:Fault")
      .child("detail")
      .child("UPnPError")
      .child("errorCode")
      .text()
      .as_int();
}
inline int error_code(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<HttpAnswer>(outcome));
  return error_code(std::get<HttpAnswer>(outcome));
}

// The reply's out-arguments as "Name=value;" in their order.
inline std::string values(const HttpAnswer& answer) {
  pugi::xml_document document;
  REQUIRE(document.load_string(answer.body.c_str()));
  CHECK(answer.status == HttpStatus::Ok);
  std::string result;
  for (const auto child : document.child("s:Envelope").child("s:Body").first_child().children())
    result += std::string(child.name()) + "=" + child.child_value() + ";";
  return result;
}
inline std::string values(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<HttpAnswer>(outcome));
  return values(std::get<HttpAnswer>(outcome));
}

template <class Request>
Request asked(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<PendingCall>(outcome));
  const auto* request = std::get_if<Request>(&std::get<PendingCall>(outcome).request);
  REQUIRE(request != nullptr);
  return *request;
}

inline std::string finished(const Outcome& outcome, const Reply& reply) {
  return values(finish(std::get<PendingCall>(outcome), reply));
}

inline SoapBuilder by_key(std::string action) {
  return a_call(std::move(action))
      .with("NewRemoteHost", "")
      .with("NewExternalPort", "8080")
      .with("NewProtocol", "udp");
}

inline Entry an_entry(std::string_view description, RemoteHost remote_host = RemoteHost::any()) {
  return {.id = 1,
          .key = {remote_host, *ExternalPort::parse(8080), Protocol::UDP},
          .client = *InternalClient::parse(address("192.168.77.10")),
          .internal_port = *InternalPort::parse(80),
          .enabled = true,
          .description = *PortMappingDescription::parse(description),
          .lease_duration = 59};
}

}  // namespace upnpd::igd::test
