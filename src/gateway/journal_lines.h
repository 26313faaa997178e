// The journal's lines: a header with the boot they count from, mappings and pinholes put, ids gone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd::gateway {

struct HeaderLine {
  std::string boot_id;  // of /proc/sys/kernel/random/boot_id
  MappingId next_id;
};
struct PutLine {
  BootTime written;
  PortMapping mapping;  // its expiry in the time of the header's boot
};
struct GoneLine {
  BootTime written;
  MappingId id;
};
struct PinholeLine {
  BootTime written;
  Pinhole pinhole;  // its expiry in the time of the header's boot
};
struct PinholeGoneLine {
  BootTime written;
  UniqueId id;
};
using JournalLine = std::variant<HeaderLine, PutLine, GoneLine, PinholeLine, PinholeGoneLine>;

std::string to_line(const JournalLine& line);  // ends in a newline
// No value when it is not a whole line of this format, or holds a value its type refuses.
std::optional<JournalLine> parse_line(std::string_view line);

}  // namespace upnpd::gateway
