#include "soap_control.h"

#include <algorithm>
#include <array>
#include <optional>

#include "actions.h"
#include "arguments.h"
#include "port_listing.h"
#include "soap_reply.h"
#include "soap_request.h"
#include "state_variables.h"

namespace upnpd::igd {
namespace {

using Outcome = std::variant<HttpAnswer, PendingCall>;

struct AcceptedUrn {
  std::string_view service_id;
  std::string_view urn;
  IgdVersion version;
};

// Many clients use WANPPPConnection and WANIPConnection as one, and either version at either URL.
constexpr std::array<AcceptedUrn, 6> kAcceptedUrns{{
    {"WANIPConn1", "urn:schemas-upnp-org:service:WANIPConnection:1", IgdVersion::v1},
    {"WANIPConn1", "urn:schemas-upnp-org:service:WANIPConnection:2", IgdVersion::v2},
    {"WANIPConn1", "urn:schemas-upnp-org:service:WANPPPConnection:1", IgdVersion::v1},
    {"WANCommonIFC1", "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", IgdVersion::v1},
    {"L3Forwarding1", "urn:schemas-upnp-org:service:Layer3Forwarding:1", IgdVersion::v1},
    {"WANIPv6Firewall1", "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1", IgdVersion::v2},
}};

std::optional<IgdVersion> version_spoken(std::string_view service_id, std::string_view urn) {
  const auto* const found = std::ranges::find_if(kAcceptedUrns, [&](const AcceptedUrn& accepted) {
    return accepted.service_id == service_id && accepted.urn == urn;
  });
  if (found == kAcceptedUrns.end()) return std::nullopt;
  return found->version;
}

HttpAnswer fault(UpnpError error) {
  return {.status = HttpStatus::InternalServerError, .body = write_soap_fault(error)};
}

HttpAnswer refusal_of(SoapError error) {
  switch (error) {
    case SoapError::Malformed:
      return {.status = HttpStatus::BadRequest, .reason = "malformed SOAP"};
    case SoapError::NoAction: return fault(UpnpError::InvalidAction);
    case SoapError::RepeatedArgument: return fault(UpnpError::InvalidArgs);
  }
  return fault(UpnpError::InvalidAction);
}

HttpAnswer query_state_variable(const ControlCall& call, const SoapRequest& request) {
  const auto name = find_argument(request, "varName");
  if (!name) return fault(UpnpError::InvalidArgs);
  const auto value = state_variable(call.route.service_id, *name, call.state);
  if (!value) return fault(UpnpError::InvalidVar);
  return {.body = write_query_reply(*value)};
}

// The out-arguments of `action` picked from `values`, in the description's order.
HttpAnswer reply_with(const ScpdAction& action, std::string_view urn, const SoapValues& values) {
  SoapValues ordered;
  for (const ScpdArgument& argument : action.out) {
    const auto found = std::ranges::find_if(
        values, [&](const auto& value) { return value.first == argument.name; });
    if (found == values.end()) return fault(UpnpError::ActionFailed);
    ordered.push_back(*found);
  }
  return {.body = write_soap_reply(urn, action.name, ordered)};
}

// The action's description; for one that is only there to be refused, an empty one.
const ScpdAction& description_of(std::string_view service_id, std::string_view action) {
  static const ScpdAction kUndescribed;
  const Scpd* const scpd = scpd_of(service_id);
  const ScpdAction* const found = scpd == nullptr ? nullptr : scpd->find_action(action);
  return found == nullptr ? kUndescribed : *found;
}

Outcome invoke(const ControlCall& call, IgdVersion version, const SoapRequest& request) {
  const std::string_view service_id = call.route.service_id;
  const ActionFunction function = find_action_function(service_id, request.action);
  if (function == nullptr) return fault(UpnpError::InvalidAction);
  const ScpdAction& action = description_of(service_id, request.action);
  auto arguments = Arguments::check(action, request);
  if (!arguments) return fault(arguments.error());

  ActionResult result =
      function({.service_id = service_id,
                .action = action,
                .arguments = *std::move(arguments),
                .state = call.state,
                .head = {.id = 0, .lan = call.lan, .caller = call.caller, .version = version}});
  if (const auto* error = std::get_if<UpnpError>(&result)) return fault(*error);
  if (const auto* values = std::get_if<SoapValues>(&result))
    return reply_with(action, call.soap_action.urn, *values);
  return PendingCall{std::get<ServiceRequest>(std::move(result)), call.soap_action.urn, &action};
}

const GetListOfPortMappings* list_request_of(const PendingCall& call) {
  return std::get_if<GetListOfPortMappings>(&call.request);
}

std::string listing_part(const PendingCall& call, const EntryList& list) {
  const auto ends = soap_reply_ends(call.urn, call.action->name, "NewPortListing");
  std::string part = port_listing_entries(list.entries);
  if (!list_request_of(call)->after) part = ends.before + port_listing_start() + part;
  if (!rest_of(call, list)) part += port_listing_end() + ends.after;
  return part;
}

}  // namespace

Outcome control(const ControlCall& call) {
  const auto request = parse_soap_request(call.body);
  if (!request) return refusal_of(request.error());
  if (request->action != call.soap_action.action) return fault(UpnpError::InvalidAction);
  if (call.soap_action.urn == "urn:schemas-upnp-org:control-1-0" &&
      request->action == "QueryStateVariable")
    return query_state_variable(call, *request);
  const auto version = version_spoken(call.route.service_id, call.soap_action.urn);
  if (!version) return fault(UpnpError::InvalidAction);
  return invoke(call, *version, *request);
}

HttpAnswer finish(const PendingCall& call, const Reply& reply) {
  if (const auto* const list = std::get_if<EntryList>(&reply); list && list_request_of(call))
    return {.body = listing_part(call, *list)};
  const auto values = values_of(reply);
  if (const auto* error = std::get_if<UpnpError>(&values)) return fault(*error);
  return reply_with(*call.action, call.urn, std::get<SoapValues>(values));
}

std::optional<PendingCall> rest_of(const PendingCall& call, const Reply& reply) {
  const auto* const list = std::get_if<EntryList>(&reply);
  const auto* const request = list_request_of(call);
  if (list == nullptr || request == nullptr || list->is_last || list->entries.empty())
    return std::nullopt;
  GetListOfPortMappings next = *request;
  next.after = list->entries.back().key;
  if (next.number_of_ports != 0) {
    if (list->entries.size() >= next.number_of_ports) return std::nullopt;
    next.number_of_ports = static_cast<std::uint16_t>(next.number_of_ports - list->entries.size());
  }
  return PendingCall{next, call.urn, call.action};
}

std::optional<std::string> next_part(const PendingCall& call, const Reply& reply) {
  const auto* const list = std::get_if<EntryList>(&reply);
  if (list == nullptr || !list_request_of(call)) return std::nullopt;
  return listing_part(call, *list);
}

}  // namespace upnpd::igd
