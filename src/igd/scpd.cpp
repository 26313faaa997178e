#include "scpd.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <pugixml.hpp>
#include <utility>

#include "embedded_xml.h"

namespace upnpd::igd {
namespace {

std::optional<DataType> parse_data_type(std::string_view name) {
  if (name == "string") return DataType::String;
  if (name == "ui2") return DataType::Ui2;
  if (name == "ui4") return DataType::Ui4;
  if (name == "boolean") return DataType::Boolean;
  return std::nullopt;
}

using Variables = std::map<std::string, DataType, std::less<>>;

std::optional<Variables> parse_variables(pugi::xml_node table) {
  Variables variables;
  for (const pugi::xml_node variable : table.children("stateVariable")) {
    const auto type = parse_data_type(variable.child_value("dataType"));
    if (!type) return std::nullopt;
    variables.emplace(variable.child_value("name"), *type);
  }
  return variables;
}

std::optional<ScpdAction> parse_action(pugi::xml_node node, const Variables& variables) {
  ScpdAction action{node.child_value("name"), {}, {}};
  for (const pugi::xml_node argument : node.child("argumentList").children("argument")) {
    const std::string_view direction = argument.child_value("direction");
    const auto variable =
        variables.find(std::string_view(argument.child_value("relatedStateVariable")));
    if ((direction != "in" && direction != "out") || variable == variables.end())
      return std::nullopt;
    (direction == "in" ? action.in : action.out)
        .push_back({argument.child_value("name"), variable->first, variable->second});
  }
  return action;
}

// Our own file: one that cannot be read is our own bug.
Scpd built_in(std::string_view file_name) {
  auto scpd = Scpd::parse(embedded_xml(file_name));
  if (!scpd) std::abort();
  return *std::move(scpd);
}

}  // namespace

std::optional<Scpd> Scpd::parse(std::string_view document) {
  pugi::xml_document tree;
  if (!tree.load_buffer(document.data(), document.size())) return std::nullopt;
  const pugi::xml_node root = tree.child("scpd");
  auto variables = parse_variables(root.child("serviceStateTable"));
  if (!root || !variables) return std::nullopt;
  Scpd scpd;
  for (const pugi::xml_node node : root.child("actionList").children("action")) {
    auto action = parse_action(node, *variables);
    if (!action) return std::nullopt;
    scpd.actions_.push_back(*std::move(action));
  }
  scpd.variables_ = *std::move(variables);
  return scpd;
}

const ScpdAction* Scpd::find_action(std::string_view name) const {
  const auto found = std::ranges::find(actions_, name, &ScpdAction::name);
  return found == actions_.end() ? nullptr : &*found;
}

bool Scpd::has_state_variable(std::string_view name) const {
  return variables_.contains(name);
}

const Scpd* scpd_of(std::string_view service_id) {
  static const std::array<std::pair<std::string_view, Scpd>, 4> kScpds{{
      {"L3Forwarding1", built_in("Layer3Forwarding1.xml")},
      {"WANCommonIFC1", built_in("WANCommonInterfaceConfig1.xml")},
      {"WANIPConn1", built_in("WANIPConnection2.xml")},
      {"WANIPv6Firewall1", built_in("WANIPv6FirewallControl1.xml")},
  }};
  const auto* const found =
      std::ranges::find(kScpds, service_id, [](const auto& entry) { return entry.first; });
  return found == kScpds.end() ? nullptr : &found->second;
}

}  // namespace upnpd::igd
