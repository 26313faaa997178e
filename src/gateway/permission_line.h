// One `allow` or `deny` line of the configuration:
//   (allow|deny) EPORT[-EPORT] IP[/bits | /mask] IPORT[-IPORT] ["regex" | regex] [#comment]
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "policy.h"

namespace upnpd::gateway {

// Whether `line` starts with the word allow or deny.
bool is_permission_line(std::string_view line);

// Reads a line; on an error, what is wrong with which word. `where` is kept for denials.
std::expected<core::PermissionLine, std::string> read_permission_line(std::string_view line,
                                                                      std::string where);

}  // namespace upnpd::gateway
