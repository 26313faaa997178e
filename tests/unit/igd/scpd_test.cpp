#include "scpd.h"

#include <doctest/doctest.h>

#include "actions.h"
#include "embedded_xml.h"

using namespace upnpd::igd;

namespace {

std::vector<std::string> names(const std::vector<ScpdArgument>& arguments) {
  std::vector<std::string> result;
  for (const auto& argument : arguments)
    result.push_back(argument.name);
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE("scpd") {
  TEST_CASE("arguments come in the standard's order, with their types") {
    const ScpdAction* add = scpd_of("WANIPConn1")->find_action("AddAnyPortMapping");
    REQUIRE(add != nullptr);
    CHECK(names(add->in) == Names{"NewRemoteHost", "NewExternalPort", "NewProtocol",
                                  "NewInternalPort", "NewInternalClient", "NewEnabled",
                                  "NewPortMappingDescription", "NewLeaseDuration"});
    CHECK(names(add->out) == Names{"NewReservedPort"});
    CHECK(add->in[0].type == DataType::String);
    CHECK(add->in[1].type == DataType::Ui2);
    CHECK(add->in[5].type == DataType::Boolean);
    CHECK(add->in[7].type == DataType::Ui4);
    const ScpdAction* get = scpd_of("WANIPConn1")->find_action("GetSpecificPortMappingEntry");
    CHECK(names(get->out) == Names{"NewInternalPort", "NewInternalClient", "NewEnabled",
                                   "NewPortMappingDescription", "NewLeaseDuration"});
    CHECK(names(scpd_of("WANIPConn1")->find_action("GetStatusInfo")->out) ==
          Names{"NewConnectionStatus", "NewLastConnectionError", "NewUptime"});
  }

  TEST_CASE("every action that is described is served") {
    for (const char* service : {"L3Forwarding1", "WANCommonIFC1", "WANIPConn1", "WANIPv6Firewall1"})
      for (const auto& action : scpd_of(service)->actions()) {
        CAPTURE(action.name);
        CHECK(bool(find_action_function(service, action.name) != nullptr));
      }
    CHECK(scpd_of("DeviceProtection1") == nullptr);
  }

  TEST_CASE("version 2 of WANIPConnection has all of version 1, argument by argument") {
    const auto v1 = Scpd::parse(embedded_xml("WANIPConnection1.xml"));
    REQUIRE(v1);
    CHECK(v1->find_action("AddAnyPortMapping") == nullptr);
    CHECK(v1->actions().size() == 11);
    for (const auto& action : v1->actions()) {
      const ScpdAction* in_v2 = scpd_of("WANIPConn1")->find_action(action.name);
      REQUIRE(in_v2 != nullptr);
      CHECK(names(action.in) == names(in_v2->in));
      CHECK(names(action.out) == names(in_v2->out));
    }
    CHECK_FALSE(v1->has_state_variable("SystemUpdateID"));
    CHECK(scpd_of("WANIPConn1")->has_state_variable("SystemUpdateID"));
  }

  TEST_CASE("what is no service description, or names an unknown type or variable, is refused") {
    const auto with = [](std::string_view type, std::string_view variable,
                         std::string_view direction) {
      return "<scpd><actionList><action><name>A</name><argumentList><argument><name>B</"
             "name><direction>" +
             std::string(direction) + "</direction><relatedStateVariable>" + std::string(variable) +
             "</relatedStateVariable></argument></argumentList></action></"
             "actionList><serviceStateTable><stateVariable>"
             "<name>V</name><dataType>" +
             std::string(type) + "</dataType></stateVariable></serviceStateTable></scpd>";
    };
    CHECK(Scpd::parse(with("ui2", "V", "in")));
    CHECK_FALSE(Scpd::parse(with("float", "V", "in")));
    CHECK_FALSE(Scpd::parse(with("ui2", "W", "in")));
    CHECK_FALSE(Scpd::parse(with("ui2", "V", "inout")));
    CHECK_FALSE(Scpd::parse(""));
    CHECK_FALSE(Scpd::parse("<root/>"));
  }
}
