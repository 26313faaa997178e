// Control (UDA 1.1 section 3): from a SOAP request to its answer, or to the question to the
// gateway and then to its answer. Pure: no clock, no connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "http_answer.h"
#include "http_route.h"
#include "router_state.h"
#include "scpd.h"
#include "soap_action.h"
#include "upnpd/messages.h"

namespace upnpd::igd {

struct ControlCall {
  ControlRoute route;
  SoapAction soap_action;
  std::string_view body;
  IpAddress caller;
  LanIndex lan;
  StateView state;
};

// A call whose answer is the gateway's to give: `request` is to be sent, with an id in its head.
struct PendingCall {
  ServiceRequest request;
  std::string urn;
  const ScpdAction* action;  // lives as long as the program
};

// Carries out the call, as far as that goes without the gateway.
std::variant<HttpAnswer, PendingCall> control(const ControlCall& call);

// The answer to `call` that the gateway's `reply` makes; ActionFailed for a reply of another kind.
// When rest_of() has a value, its body is only the first part.
HttpAnswer finish(const PendingCall& call, const Reply& reply);

// What is still to be asked when `reply` is one part of a long answer; no value when it is all.
std::optional<PendingCall> rest_of(const PendingCall& call, const Reply& reply);

// The next part of the body, by the reply to what rest_of() gave. No value: there is none, the
// answer cannot be completed.
std::optional<std::string> next_part(const PendingCall& call, const Reply& reply);

}  // namespace upnpd::igd
