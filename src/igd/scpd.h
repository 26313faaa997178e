// A service's actions and the types of their arguments, read from its description (UDA 1.1 section
// 2.5): requests are checked against it, and replies have its order. Ranges and lists of allowed
// values are not kept: which error breaking one gives is each action's own matter.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upnpd::igd {

enum class DataType { String, Ui2, Ui4, Boolean };

struct ScpdArgument {
  std::string name;
  std::string state_variable;
  DataType type;
};

struct ScpdAction {
  std::string name;
  std::vector<ScpdArgument> in;
  std::vector<ScpdArgument> out;
};

class Scpd {
 public:
  // No value for a document that is not a service description with known types throughout.
  static std::optional<Scpd> parse(std::string_view document);

  // nullptr when there is none. The action lives as long as the Scpd.
  const ScpdAction* find_action(std::string_view name) const;
  bool has_state_variable(std::string_view name) const;
  const std::vector<ScpdAction>& actions() const { return actions_; }

 private:
  Scpd() = default;
  std::vector<ScpdAction> actions_;
  std::map<std::string, DataType, std::less<>> variables_;
};

// The description of a service by its service id ("WANIPConn1"), from the built-in files; nullptr
// for an unknown id. WANIPConn1 has version 2's, which holds all that version 1 has.
const Scpd* scpd_of(std::string_view service_id);

}  // namespace upnpd::igd
