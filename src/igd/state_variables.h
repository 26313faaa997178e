// The values of the state variables that are known without asking the gateway: WANIPConnection:2
// section 2.3, WANCommonInterfaceConfig:1 section 2.2, Layer3Forwarding:1 section 2.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "router_state.h"

namespace upnpd::igd {

// The value of variable `name` of the service `service_id`, as a SOAP reply carries it; no value
// when there is none of that name, or only the gateway knows it.
std::optional<std::string> state_variable(std::string_view service_id, std::string_view name,
                                          const StateView& state);

}  // namespace upnpd::igd
