// What must be the same after every start, so that clients find again what they know: the device's
// UUID and the secret segment of its URL paths. Kept in a file beside the leases.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

#include "config.h"
#include "upnpd/messages.h"

namespace upnpd::gateway {

struct Identity {
  std::string uuid;        // RFC 4122 version 4
  std::string path_token;  // 32 hexadecimal digits
};

// Reads `file`, or makes both values at random and writes them there, readable by its owner alone.
// When the file cannot be written, the identity is good for this run; `problem` of the result says
// so in a line, else it is "".
struct IdentityReading {
  Identity identity;
  std::string problem;
};
IdentityReading load_identity(const std::filesystem::path& file);

// What the descriptions say, from both.
DeviceIdentity device_identity(const Identity& identity, const Config& config);

}  // namespace upnpd::gateway
