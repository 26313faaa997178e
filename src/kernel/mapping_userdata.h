// What an element keeps of its mapping or pinhole beside key and data, so that a restarted upnpd
// reads everything back from the kernel. In libnftnl's userdata format (type, length, value), which
// nft reads too: it shows a description as the element's comment where it can. At most 254 bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "upnpd/pinhole.h"
#include "upnpd/port_mapping.h"

namespace upnpd::kernel {

// Kernel 6.18 refuses 255 bytes (EINVAL) and takes but forgets 256, for all of NFT_USERDATA_MAXLEN.
inline constexpr std::size_t kMaxUserdata = 254;
// Longer descriptions are cut, between two characters.
inline constexpr std::size_t kMaxKeptDescription = 224;

// A mapping's userdata. What is not there is not set.
struct MappingNote {
  struct Record {
    MappingId id;
    LanIndex lan;
    Ipv4Address owner;
  };
  std::optional<Record> record;  // none: upnpd has not put this element in
  std::string description;
  // When the lease ends, by CLOCK_BOOTTIME: the element's own timeout stands still while the router
  // sleeps. None: permanent.
  std::optional<BootTime> expires;
  MacAddress host{};  // all zero: not known, or put in by an upnpd that did not keep it
};

std::vector<std::byte> encode_mapping_note(const PortMapping& mapping);
// Never fails: what is not understood is passed over.
MappingNote decode_mapping_note(std::span<const std::byte> userdata);

// A pinhole's userdata.
struct PinholeNote {
  UniqueId id;
  LanIndex lan;
  IpAddress owner;
  MacAddress host;
  std::optional<BootTime> expires;  // as a mapping's
};
std::vector<std::byte> encode_pinhole_note(const Pinhole& pinhole);
// No value when upnpd has not put this element in.
std::optional<PinholeNote> decode_pinhole_note(std::span<const std::byte> userdata);

}  // namespace upnpd::kernel
