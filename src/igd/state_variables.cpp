#include "state_variables.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "upnpd/device_tree.h"

namespace upnpd::igd {
namespace {

std::string ip_routed(const StateView&) {
  return "IP_Routed";
}
std::string error_none(const StateView&) {
  return "ERROR_NONE";
}
std::string zero(const StateView&) {
  return "0";
}
std::string one(const StateView&) {
  return "1";
}
std::string ethernet(const StateView&) {
  return "Ethernet";
}

std::string connection_status(const StateView& state) {
  return std::string(to_string(state.wan.status));
}

std::string external_ip_address(const StateView& state) {
  return state.wan.external_address ? state.wan.external_address->to_string() : "";
}

std::string uptime(const StateView& state) {
  if (state.wan.status != ConnectionStatus::Connected || state.now < state.wan.connected_since)
    return "0";
  const auto up =
      std::chrono::duration_cast<std::chrono::seconds>(state.now - state.wan.connected_since);
  return std::to_string(static_cast<std::uint32_t>(up.count()));
}

std::string upstream_bit_rate(const StateView& state) {
  return std::to_string(state.wan.upstream_bit_rate);
}
std::string downstream_bit_rate(const StateView& state) {
  return std::to_string(state.wan.downstream_bit_rate);
}
std::string physical_link_status(const StateView& state) {
  return state.wan.link_up ? "Up" : "Down";
}

std::string inbound_pinhole_allowed(const StateView& state) {
  return state.wan.inbound_pinhole_allowed ? "1" : "0";
}

std::string number_of_entries(const StateView& state) {
  return std::to_string(state.evented ? state.evented->port_mapping_number_of_entries : 0);
}
std::string system_update_id(const StateView& state) {
  return std::to_string(state.evented ? state.evented->system_update_id : 0);
}

std::string default_connection_service(const StateView& state) {
  return "uuid:" + device_uuid(state.identity.uuid, DeviceLevel::WanConnectionDevice) +
         ":WANConnectionDevice:" + std::to_string(state.igd_version) +
         ",urn:upnp-org:serviceId:WANIPConn1";
}

struct StateVariable {
  std::string_view service_id;
  std::string_view name;
  std::string (*value)(const StateView&);
};

constexpr std::array<StateVariable, 17> kVariables{{
    {"WANIPConn1", "ConnectionType", ip_routed},
    {"WANIPConn1", "PossibleConnectionTypes", ip_routed},
    {"WANIPConn1", "ConnectionStatus", connection_status},
    {"WANIPConn1", "Uptime", uptime},
    {"WANIPConn1", "LastConnectionError", error_none},
    {"WANIPConn1", "RSIPAvailable", zero},
    {"WANIPConn1", "NATEnabled", one},
    {"WANIPConn1", "ExternalIPAddress", external_ip_address},
    {"WANIPConn1", "PortMappingNumberOfEntries", number_of_entries},
    {"WANIPConn1", "SystemUpdateID", system_update_id},
    {"WANCommonIFC1", "WANAccessType", ethernet},
    {"WANCommonIFC1", "Layer1UpstreamMaxBitRate", upstream_bit_rate},
    {"WANCommonIFC1", "Layer1DownstreamMaxBitRate", downstream_bit_rate},
    {"WANCommonIFC1", "PhysicalLinkStatus", physical_link_status},
    {"L3Forwarding1", "DefaultConnectionService", default_connection_service},
    {"WANIPv6Firewall1", "FirewallEnabled", one},
    {"WANIPv6Firewall1", "InboundPinholeAllowed", inbound_pinhole_allowed},
}};

}  // namespace

std::optional<std::string> state_variable(std::string_view service_id, std::string_view name,
                                          const StateView& state) {
  const auto* const found = std::ranges::find_if(kVariables, [&](const StateVariable& variable) {
    return variable.service_id == service_id && variable.name == name;
  });
  if (found == kVariables.end()) return std::nullopt;
  return found->value(state);
}

}  // namespace upnpd::igd
