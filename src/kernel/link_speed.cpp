#include "link_speed.h"

#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <net/if.h>

#include "nl_request.h"

namespace upnpd::kernel {
namespace {

class GenericRequest : public NlRequest {
 public:
  GenericRequest(std::uint16_t family, std::uint8_t command) : NlRequest(family, NLM_F_ACK) {
    auto& head = put_head<genlmsghdr>();
    head.cmd = command;
    head.version = 1;
  }
};

// The attribute of this type, if there is one and its value has at least `size` bytes.
const nlattr* find_attribute(const nlmsghdr& message, std::uint16_t type, std::size_t size) {
  struct Search {
    std::uint16_t type;
    std::size_t size;
    const nlattr* found;
  } search{type, size, nullptr};
  const auto look = [](const nlattr* attribute, void* closure) {
    auto& it = *static_cast<Search*>(closure);
    if (mnl_attr_get_type(attribute) == it.type && mnl_attr_get_payload_len(attribute) >= it.size)
      it.found = attribute;
    return MNL_CB_OK;
  };
  if (mnl_nlmsg_get_payload_len(&message) >= sizeof(genlmsghdr))
    mnl_attr_parse(&message, sizeof(genlmsghdr), look, &search);
  return search.found;
}

}  // namespace

std::expected<LinkSpeedReader, NetlinkError> LinkSpeedReader::open() {
  auto socket = NlSocket::open(NETLINK_GENERIC);
  if (!socket) return std::unexpected(socket.error());
  return LinkSpeedReader(*std::move(socket));
}

// Asked for when it is needed: the module can be loaded later.
std::expected<std::uint16_t, NetlinkError> LinkSpeedReader::ethtool_family() {
  if (family_) return *family_;
  GenericRequest request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
  mnl_attr_put_strz(&request.header(), CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
  const auto answered = socket_.ask(request.header(), [this](const nlmsghdr& message) {
    if (const nlattr* const id =
            find_attribute(message, CTRL_ATTR_FAMILY_ID, sizeof(std::uint16_t)))
      family_ = mnl_attr_get_u16(id);
  });
  if (!answered) return std::unexpected(answered.error());
  if (!family_) return std::unexpected(NetlinkError{ENOENT, "ethtool by netlink"});
  return *family_;
}

std::expected<std::optional<std::uint64_t>, NetlinkError> LinkSpeedReader::bits_per_second(
    const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    return std::unexpected(NetlinkError{ENODEV, "reading the speed of a link"});
  const auto family = ethtool_family();
  if (!family) return std::unexpected(family.error());
  GenericRequest request(*family, ETHTOOL_MSG_LINKMODES_GET);
  nlattr* const header = mnl_attr_nest_start(&request.header(), ETHTOOL_A_LINKMODES_HEADER);
  mnl_attr_put_strz(&request.header(), ETHTOOL_A_HEADER_DEV_NAME, name.c_str());
  // The list of modes is not wanted: as short as it goes.
  mnl_attr_put_u32(&request.header(), ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_COMPACT_BITSETS);
  mnl_attr_nest_end(&request.header(), header);
  std::optional<std::uint64_t> speed;
  const auto answered = socket_.ask(request.header(), [&](const nlmsghdr& message) {
    speed = parse_link_speed(std::as_bytes(std::span(
        static_cast<const char*>(static_cast<const void*>(&message)), message.nlmsg_len)));
  });
  if (!answered) return std::unexpected(answered.error());
  return speed;
}

std::optional<std::uint64_t> parse_link_speed(std::span<const std::byte> bytes) {
  const auto* const message = static_cast<const nlmsghdr*>(static_cast<const void*>(bytes.data()));
  if (bytes.size() < sizeof(nlmsghdr) || !mnl_nlmsg_ok(message, static_cast<int>(bytes.size())))
    return std::nullopt;
  const nlattr* const speed =
      find_attribute(*message, ETHTOOL_A_LINKMODES_SPEED, sizeof(std::uint32_t));
  if (speed == nullptr) return std::nullopt;
  const std::uint32_t megabits = mnl_attr_get_u32(speed);
  // Drivers say 0 too when they do not know.
  if (megabits == 0 || megabits == static_cast<std::uint32_t>(SPEED_UNKNOWN)) return std::nullopt;
  return std::uint64_t{megabits} * 1'000'000;
}

}  // namespace upnpd::kernel
