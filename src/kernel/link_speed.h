// How fast links are, as their drivers say (ethtool's generic netlink).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "nl_socket.h"

namespace upnpd::kernel {

class LinkSpeedReader {
 public:
  static std::expected<LinkSpeedReader, NetlinkError> open();

  // Bits a second of the interface with this name; no value when the driver does not know: the link
  // is down, or it is none with a speed. ENOENT: a kernel without CONFIG_ETHTOOL_NETLINK; ENODEV:
  // no such interface; EOPNOTSUPP: a driver without link modes.
  std::expected<std::optional<std::uint64_t>, NetlinkError> bits_per_second(
      const std::string& name);

 private:
  explicit LinkSpeedReader(NlSocket socket) : socket_(std::move(socket)) {}
  std::expected<std::uint16_t, NetlinkError> ethtool_family();

  NlSocket socket_;
  std::optional<std::uint16_t> family_;  // the number generic netlink has for "ethtool"
};

// ETHTOOL_MSG_LINKMODES_GET_REPLY. Pure, over one whole message; no value where it tells no speed.
std::optional<std::uint64_t> parse_link_speed(std::span<const std::byte> message);

}  // namespace upnpd::kernel
