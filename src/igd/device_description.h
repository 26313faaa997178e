// The device descriptions (UDA 1.1 section 2.3): the templates igd1.xml and igd2.xml, filled in.
#pragma once

#include <string>
#include <string_view>

#include "upnpd/messages.h"

namespace upnpd::igd {

// Fills `device_template` for a client that reaches us by our address `own`. A {{name}} becomes its
// value, escaped; a line with a {{name?}} is left out when the value is empty. Event URLs lead to
// the announcer at `event_port` and are empty while that is 0. `igd_version` is the template's, 1
// or 2.
std::string fill_description(std::string_view device_template, int igd_version,
                             const DeviceIdentity& identity, const IpAddress& own,
                             std::uint16_t event_port);

// fill_description() of the built-in igd1.xml or igd2.xml.
std::string device_description(int igd_version, const DeviceIdentity& identity,
                               const IpAddress& own, std::uint16_t event_port);

}  // namespace upnpd::igd
