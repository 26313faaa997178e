#include "evented_variables.h"

#include <algorithm>
#include <array>
#include <utility>

#include "upnpd/device_tree.h"

namespace upnpd::announcer {
namespace {

constexpr std::array<Document, 2> kDocuments{Document::Igd1, Document::Igd2};

// Layer3Forwarding:1 section 2.2.1: a device's UDN and type, and the service.
std::string default_connection_service(Document document, std::string_view uuid) {
  return "uuid:" + device_uuid(uuid, DeviceLevel::WanConnectionDevice) +
         ":WANConnectionDevice:" + std::to_string(std::to_underlying(document)) +
         ",urn:upnp-org:serviceId:WANIPConn1";
}

std::vector<EventedVariable> wan_ip_connection(Document document, const StateVariables& state) {
  const auto& address = state.external_address;
  std::vector<EventedVariable> variables{
      {"PossibleConnectionTypes", "IP_Routed", false},
      {"ConnectionStatus", std::string(to_string(state.connection_status)), false},
      {"ExternalIPAddress", address ? address->to_string() : "", false},
      {"PortMappingNumberOfEntries", std::to_string(state.port_mapping_number_of_entries), true},
  };
  if (document == Document::Igd2)
    variables.push_back({"SystemUpdateID", std::to_string(state.system_update_id), true});
  return variables;
}

}  // namespace

std::vector<EventedVariable> evented_variables(Document document, std::string_view service_id,
                                               const StateVariables& state, std::string_view uuid) {
  if (service_id == "WANIPConn1") return wan_ip_connection(document, state);
  if (service_id == "WANCommonIFC1")
    return {{"PhysicalLinkStatus", state.link_up ? "Up" : "Down", false}};
  if (service_id == "WANIPv6Firewall1" && document == Document::Igd2)
    return {{"FirewallEnabled", "1", false},
            {"InboundPinholeAllowed", state.inbound_pinhole_allowed ? "1" : "0", false}};
  if (service_id == "L3Forwarding1")
    return {{"DefaultConnectionService", default_connection_service(document, uuid), false}};
  return {};
}

EventModerator::EventModerator(std::string uuid, StateVariables state)
    : uuid_(std::move(uuid)), state_(std::move(state)) {
  for (const Document document : kDocuments)
    for (const AnnouncedType& type : kAnnouncedTypes)
      for (const EventedVariable& each :
           evented_variables(document, type.service_id, state_, uuid_))
        told_[{document, type.service_id, each.name}] = each.value;
}

bool EventModerator::may_tell_moderated(BootTime now) const {
  return !moderated_told_ || now - *moderated_told_ >= kModeration;
}

std::vector<Event> EventModerator::update(const StateVariables& state, BootTime now) {
  state_ = state;
  const bool tell_moderated = may_tell_moderated(now);
  held_back_ = false;
  std::vector<Event> events;
  for (const Document document : kDocuments) {
    for (const AnnouncedType& type : kAnnouncedTypes) {
      Event event{document, type.service_id, {}};
      for (EventedVariable& each : evented_variables(document, type.service_id, state_, uuid_)) {
        std::string& told = told_[{document, type.service_id, each.name}];
        if (told == each.value) continue;
        if (each.moderated && !tell_moderated) {
          held_back_ = true;
          continue;
        }
        if (each.moderated) moderated_told_ = now;
        told = each.value;
        event.variables.push_back(std::move(each));
      }
      if (!event.variables.empty()) events.push_back(std::move(event));
    }
  }
  return events;
}

std::vector<Event> EventModerator::due(BootTime now) {
  if (!held_back_) return {};
  return update(StateVariables(state_), now);
}

std::optional<std::chrono::milliseconds> EventModerator::wait(BootTime now) const {
  if (!held_back_ || !moderated_told_) return std::nullopt;
  return std::max(*moderated_told_ + kModeration - now, std::chrono::milliseconds(0));
}

std::vector<Event> EventModerator::reminder() const {
  std::vector<Event> events;
  for (const Document document : kDocuments) {
    for (const AnnouncedType& type : kAnnouncedTypes) {
      auto variables = evented_variables(document, type.service_id, state_, uuid_);
      if (variables.empty()) continue;
      variables.resize(1, variables.front());
      events.push_back({document, type.service_id, std::move(variables)});
    }
  }
  return events;
}

}  // namespace upnpd::announcer
