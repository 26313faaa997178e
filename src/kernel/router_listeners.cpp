#include "router_listeners.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <optional>

#include "nl_request.h"

namespace upnpd::kernel {
namespace {

// An unconnected UDP socket is in state CLOSE.
std::uint32_t states_of(Protocol protocol) {
  return protocol == Protocol::TCP ? 1u << TCP_LISTEN : 1u << TCP_CLOSE;
}

bool is_v6_only(const nlmsghdr& message) {
  bool v6_only = false;
  mnl_attr_parse(
      &message, sizeof(inet_diag_msg),
      [](const nlattr* attribute, void* result) {
        if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY &&
            mnl_attr_get_payload_len(attribute) != 0)
          *static_cast<bool*>(result) = mnl_attr_get_u8(attribute) != 0;
        return MNL_CB_OK;
      },
      &v6_only);
  return v6_only;
}

// The IPv4 address that the socket is bound to, 0.0.0.0 for any; no value: IPv6 alone.
std::optional<Ipv4Address> ipv4_source(const nlmsghdr& message, const inet_diag_msg& socket) {
  const auto& source = socket.id.idiag_src;
  if (socket.idiag_family == AF_INET) return Ipv4Address::from_host_order(ntohl(source[0]));
  if (is_v6_only(message) || source[0] != 0 || source[1] != 0) return std::nullopt;
  if (source[2] == 0 && source[3] == 0) return Ipv4Address::from_host_order(0);
  // RFC 4291 section 2.5.5.2: IPv4-mapped.
  if (source[2] == htonl(0xffff)) return Ipv4Address::from_host_order(ntohl(source[3]));
  return std::nullopt;
}

bool is_reached_from(const WanNames& wan, const nlmsghdr& message, const inet_diag_msg& socket) {
  const int bound_to = static_cast<int>(socket.id.idiag_if);
  if (bound_to != 0 && std::ranges::count(wan.interface_indexes, bound_to) == 0) return false;
  const auto source = ipv4_source(message, socket);
  return source && (source->is_unspecified() || std::ranges::count(wan.addresses, *source) != 0);
}

std::expected<void, NetlinkError> dump(NlSocket& socket, int family, Protocol protocol,
                                       const WanNames& wan, std::vector<RouterListener>& found) {
  NlRequest request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
  auto& wanted = request.put_head<inet_diag_req_v2>();
  wanted.sdiag_family = static_cast<std::uint8_t>(family);
  wanted.sdiag_protocol = static_cast<std::uint8_t>(protocol);
  wanted.idiag_states = states_of(protocol);
  return socket.ask(request.header(), [&](const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg)) return;
    const auto& one = *static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&message));
    const std::uint16_t port = ntohs(one.id.idiag_sport);
    if (port != 0 && is_reached_from(wan, message, one)) found.push_back({protocol, port});
  });
}

}  // namespace

std::expected<std::vector<RouterListener>, NetlinkError> dump_router_listeners(
    NlSocket& socket, const WanNames& wan) {
  std::vector<RouterListener> found;
  for (const int family : {AF_INET, AF_INET6})
    for (const Protocol protocol : {Protocol::TCP, Protocol::UDP})
      if (const auto dumped = dump(socket, family, protocol, wan, found);
          !dumped && dumped.error().error != EINTR)
        return std::unexpected(dumped.error());
  return found;
}

}  // namespace upnpd::kernel
