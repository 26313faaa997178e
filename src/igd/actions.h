// The actions of all services: one table of service, name and function. An action is answered from
// the state at hand, refused, or turned into a request to the gateway; the reply to that becomes
// out-arguments here too.
#pragma once

#include <string_view>
#include <variant>

#include "arguments.h"
#include "router_state.h"
#include "scpd.h"
#include "soap_reply.h"
#include "upnpd/error.h"
#include "upnpd/messages.h"

namespace upnpd::igd {

struct ActionCall {
  std::string_view service_id;
  const ScpdAction& action;
  Arguments arguments;
  const StateView& state;
  RequestHead head;  // for a request to the gateway; its id is set by who sends it
};

// Out-arguments by name, an error, or what to ask the gateway.
using ActionResult = std::variant<SoapValues, UpnpError, ServiceRequest>;
using ActionFunction = ActionResult (*)(const ActionCall& call);

// nullptr when the service has no such action.
ActionFunction find_action_function(std::string_view service_id, std::string_view name);

// What `reply` holds, as out-arguments by name; empty for Done. An error for Refused.
std::variant<SoapValues, UpnpError> values_of(const Reply& reply);

}  // namespace upnpd::igd
