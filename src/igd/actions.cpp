#include "actions.h"

#include <algorithm>
#include <array>

#include "default_connection.h"
#include "state_variables.h"

namespace upnpd::igd {
namespace {

// ---- answered at once ----

ActionResult from_state(const ActionCall& call) {
  SoapValues values;
  for (const ScpdArgument& argument : call.action.out) {
    auto value = state_variable(call.service_id, argument.state_variable, call.state);
    if (!value) return UpnpError::ActionFailed;
    values.emplace_back(argument.name, *std::move(value));
  }
  return values;
}

// What the router is connected by, and whether, is not the LAN's to change.
ActionResult not_authorized(const ActionCall&) {
  return UpnpError::ActionNotAuthorized;
}

ActionResult set_connection_type(const ActionCall& call) {
  if (call.arguments.text("NewConnectionType") == "IP_Routed") return SoapValues{};
  return UpnpError::ReadOnly;
}

ActionResult request_connection(const ActionCall& call) {
  if (call.state.wan.status == ConnectionStatus::Connected) return SoapValues{};
  return UpnpError::ConnectionSetupFailed;
}

ActionResult set_default_connection_service(const ActionCall& call) {
  const auto error = judge_default_connection(call.arguments.text("NewDefaultConnectionService"),
                                              call.state.identity.uuid);
  if (error) return *error;
  return SoapValues{};
}

// ---- asked of the gateway ----

PortMappingArguments port_mapping_arguments(const Arguments& arguments) {
  return {.remote_host = parse_remote_host(arguments.text("NewRemoteHost")),
          .external_port = arguments.ui2("NewExternalPort"),
          .protocol = parse_protocol_argument(arguments.text("NewProtocol")),
          .internal_port = arguments.ui2("NewInternalPort"),
          .internal_client = parse_internal_client(arguments.text("NewInternalClient")),
          .enabled = arguments.boolean("NewEnabled"),
          .description = PortMappingDescription::parse(arguments.text("NewPortMappingDescription")),
          .lease_duration = arguments.ui4("NewLeaseDuration")};
}

// AddPortMapping and AddAnyPortMapping.
template <class Request>
ActionResult add_port_mapping(const ActionCall& call) {
  return ServiceRequest(Request{call.head, port_mapping_arguments(call.arguments)});
}

// The actions that name a mapping by its key.
template <class Request>
ActionResult by_key(const ActionCall& call) {
  return ServiceRequest(
      Request{.head = call.head,
              .remote_host = parse_remote_host(call.arguments.text("NewRemoteHost")),
              .external_port = call.arguments.ui2("NewExternalPort"),
              .protocol = parse_protocol_argument(call.arguments.text("NewProtocol"))});
}

ActionResult get_generic_port_mapping_entry(const ActionCall& call) {
  return ServiceRequest(
      GetGenericPortMappingEntry{call.head, call.arguments.ui2("NewPortMappingIndex")});
}

PortMappingRange port_mapping_range(const Arguments& arguments) {
  return {.start_port = arguments.ui2("NewStartPort"),
          .end_port = arguments.ui2("NewEndPort"),
          .protocol = parse_protocol_argument(arguments.text("NewProtocol"))};
}

ActionResult delete_port_mapping_range(const ActionCall& call) {
  return ServiceRequest(DeletePortMappingRange{call.head, port_mapping_range(call.arguments)});
}

ActionResult get_list_of_port_mappings(const ActionCall& call) {
  return ServiceRequest(
      GetListOfPortMappings{.head = call.head,
                            .range = port_mapping_range(call.arguments),
                            .number_of_ports = call.arguments.ui2("NewNumberOfPorts"),
                            .after = std::nullopt});
}

ActionResult get_link_totals(const ActionCall& call) {
  return ServiceRequest(GetLinkTotals{call.head});
}

ActionResult add_pinhole(const ActionCall& call) {
  const Arguments& arguments = call.arguments;
  return ServiceRequest(
      AddPinhole{call.head,
                 {.remote_host = parse_pinhole_host(arguments.text("RemoteHost")),
                  .remote_port = arguments.ui2("RemotePort"),
                  .internal_client = parse_pinhole_host(arguments.text("InternalClient")),
                  .internal_port = arguments.ui2("InternalPort"),
                  .protocol = arguments.ui2("Protocol"),
                  .lease_time = arguments.ui4("LeaseTime")}});
}

ActionResult update_pinhole(const ActionCall& call) {
  return ServiceRequest(
      UpdatePinhole{call.head, call.arguments.ui2("UniqueID"), call.arguments.ui4("NewLeaseTime")});
}

// The actions that name a pinhole and say no more.
template <class Request>
ActionResult by_unique_id(const ActionCall& call) {
  return ServiceRequest(Request{call.head, call.arguments.ui2("UniqueID")});
}

ActionResult get_outbound_pinhole_timeout(const ActionCall& call) {
  return ServiceRequest(GetOutboundPinholeTimeout{call.head, call.arguments.ui2("Protocol")});
}

struct ActionRow {
  std::string_view service_id;
  std::string_view name;
  ActionFunction function;
};

constexpr std::array<ActionRow, 29> kActions{{
    {"L3Forwarding1", "SetDefaultConnectionService", set_default_connection_service},
    {"L3Forwarding1", "GetDefaultConnectionService", from_state},
    {"WANCommonIFC1", "GetCommonLinkProperties", from_state},
    {"WANCommonIFC1", "GetTotalBytesSent", get_link_totals},
    {"WANCommonIFC1", "GetTotalBytesReceived", get_link_totals},
    {"WANCommonIFC1", "GetTotalPacketsSent", get_link_totals},
    {"WANCommonIFC1", "GetTotalPacketsReceived", get_link_totals},
    {"WANIPConn1", "SetConnectionType", set_connection_type},
    {"WANIPConn1", "GetConnectionTypeInfo", from_state},
    {"WANIPConn1", "RequestConnection", request_connection},
    {"WANIPConn1", "RequestTermination", not_authorized},
    {"WANIPConn1", "ForceTermination", not_authorized},
    {"WANIPConn1", "GetStatusInfo", from_state},
    {"WANIPConn1", "GetNATRSIPStatus", from_state},
    {"WANIPConn1", "GetGenericPortMappingEntry", get_generic_port_mapping_entry},
    {"WANIPConn1", "GetSpecificPortMappingEntry", by_key<GetSpecificPortMappingEntry>},
    {"WANIPConn1", "AddPortMapping", add_port_mapping<AddPortMapping>},
    {"WANIPConn1", "AddAnyPortMapping", add_port_mapping<AddAnyPortMapping>},
    {"WANIPConn1", "DeletePortMapping", by_key<DeletePortMapping>},
    {"WANIPConn1", "DeletePortMappingRange", delete_port_mapping_range},
    {"WANIPConn1", "GetExternalIPAddress", from_state},
    {"WANIPConn1", "GetListOfPortMappings", get_list_of_port_mappings},
    {"WANIPv6Firewall1", "GetFirewallStatus", from_state},
    {"WANIPv6Firewall1", "GetOutboundPinholeTimeout", get_outbound_pinhole_timeout},
    {"WANIPv6Firewall1", "AddPinhole", add_pinhole},
    {"WANIPv6Firewall1", "UpdatePinhole", update_pinhole},
    {"WANIPv6Firewall1", "DeletePinhole", by_unique_id<DeletePinhole>},
    {"WANIPv6Firewall1", "GetPinholePackets", by_unique_id<GetPinholePackets>},
    {"WANIPv6Firewall1", "CheckPinholeWorking", by_unique_id<CheckPinholeWorking>},
}};

// ---- the gateway's replies ----

struct ReplyValues {
  using Result = std::variant<SoapValues, UpnpError>;

  Result operator()(const Done&) const { return SoapValues{}; }
  Result operator()(const Refused& refused) const { return refused.error; }
  Result operator()(const Reserved& reserved) const {
    return SoapValues{{"NewReservedPort", std::to_string(reserved.port.number())}};
  }
  Result operator()(const Entry& entry) const {
    return SoapValues{{"NewRemoteHost", entry.key.remote_host.to_string()},
                      {"NewExternalPort", std::to_string(entry.key.external_port.number())},
                      {"NewProtocol", std::string(to_string(entry.key.protocol))},
                      {"NewInternalPort", std::to_string(entry.internal_port.number())},
                      {"NewInternalClient", entry.client.address().to_string()},
                      {"NewEnabled", entry.enabled ? "1" : "0"},
                      {"NewPortMappingDescription", entry.description.text()},
                      {"NewLeaseDuration", std::to_string(entry.lease_duration)}};
  }
  Result operator()(const PinholeAdded& added) const {
    return SoapValues{{"UniqueID", std::to_string(added.unique_id.number())}};
  }
  Result operator()(const PinholePackets& packets) const {
    return SoapValues{{"PinholePackets", std::to_string(packets.packets)}};
  }
  Result operator()(const PinholeWorks&) const { return SoapValues{{"IsWorking", "1"}}; }
  Result operator()(const OutboundPinholeTimeout& timeout) const {
    return SoapValues{{"OutboundPinholeTimeout", std::to_string(timeout.seconds)}};
  }
  // A list is written as it comes, in parts: see port_listing.h.
  Result operator()(const EntryList&) const { return UpnpError::ActionFailed; }
  // A ui4 rolls over at 2^32 (WANCommonInterfaceConfig:1 section 2.2).
  Result operator()(const LinkTotals& totals) const {
    const auto low_half = [](std::uint64_t count) {
      return std::to_string(static_cast<std::uint32_t>(count));
    };
    return SoapValues{{"NewTotalBytesSent", low_half(totals.bytes_sent)},
                      {"NewTotalBytesReceived", low_half(totals.bytes_received)},
                      {"NewTotalPacketsSent", low_half(totals.packets_sent)},
                      {"NewTotalPacketsReceived", low_half(totals.packets_received)}};
  }
};

}  // namespace

ActionFunction find_action_function(std::string_view service_id, std::string_view name) {
  const auto* const found = std::ranges::find_if(kActions, [&](const ActionRow& row) {
    return row.service_id == service_id && row.name == name;
  });
  return found == kActions.end() ? nullptr : found->function;
}

std::variant<SoapValues, UpnpError> values_of(const Reply& reply) {
  return std::visit(ReplyValues{}, reply);
}

}  // namespace upnpd::igd
