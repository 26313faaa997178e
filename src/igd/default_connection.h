// SetDefaultConnectionService: which connection may be made the default one. There is one, so that
// the question is only what is wrong with any other. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "upnpd/error.h"

namespace upnpd::igd {

// `chosen` as Layer3Forwarding:1 section 2.2.1 has it, "uuid:UUID:WANConnectionDevice:V,SERVICE
// ID". No value: it is the default already. Otherwise 720: not our WANConnectionDevice; 721: the
// device has no such service; 723: the service is no connection.
std::optional<UpnpError> judge_default_connection(std::string_view chosen,
                                                  std::string_view root_uuid);

}  // namespace upnpd::igd
