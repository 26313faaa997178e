// One question to the daemon's admin socket.
#pragma once

#include <expected>
#include <string>

#include "json.h"

namespace upnpd::admin {

// Sends `request` to the daemon at `socket_path` and returns its answer. An error is a line that
// says what to do; an answer that is itself an error comes back as one.
std::expected<base::Json, std::string> ask(const std::string& socket_path,
                                           const base::Json& request);

}  // namespace upnpd::admin
