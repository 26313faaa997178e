#include "flow_ender.h"

#include <arpa/inet.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "nl_request.h"

namespace upnpd::kernel {
namespace {

struct Destroy {
  void operator()(nf_conntrack* flow) const { nfct_destroy(flow); }
};
using Flow = std::unique_ptr<nf_conntrack, Destroy>;

// What a flow through a mapping shows: the port it was sent to, and who answers from where.
struct FlowEnds {
  std::uint8_t protocol;
  std::uint16_t external_port;
  std::uint32_t client;
  std::uint16_t internal_port;
  friend auto operator<=>(const FlowEnds&, const FlowEnds&) = default;
};

FlowEnds ends_of(const PortMapping& mapping) {
  return {static_cast<std::uint8_t>(mapping.key.protocol), mapping.key.external_port.number(),
          mapping.client.address().host_order(), mapping.internal_port.number()};
}

FlowEnds ends_of(const nf_conntrack* flow) {
  return {nfct_get_attr_u8(flow, ATTR_L4PROTO), ntohs(nfct_get_attr_u16(flow, ATTR_PORT_DST)),
          ntohl(nfct_get_attr_u32(flow, ATTR_REPL_IPV4_SRC)),
          ntohs(nfct_get_attr_u16(flow, ATTR_REPL_PORT_SRC))};
}

// A flow that the client began, and that left by the external port.
FlowEnds outward_ends_of(const nf_conntrack* flow) {
  return {nfct_get_attr_u8(flow, ATTR_L4PROTO), ntohs(nfct_get_attr_u16(flow, ATTR_REPL_PORT_DST)),
          ntohl(nfct_get_attr_u32(flow, ATTR_ORIG_IPV4_SRC)),
          ntohs(nfct_get_attr_u16(flow, ATTR_ORIG_PORT_SRC))};
}

// The closed mappings, by what their flows show; the RemoteHost is 0 for any.
class Closed {
 public:
  explicit Closed(std::span<const PortMapping> mappings) {
    for (const PortMapping& mapping : mappings) {
      const auto remote = mapping.key.remote_host.address();
      ends_.emplace(ends_of(mapping), remote ? remote->host_order() : 0);
    }
  }
  bool had(const nf_conntrack* flow) const {
    if ((nfct_get_attr_u32(flow, ATTR_STATUS) & IPS_DST_NAT) == 0) return had_outward(flow);
    const FlowEnds ends = ends_of(flow);
    return ends_.contains({ends, 0}) ||
           ends_.contains({ends, ntohl(nfct_get_attr_u32(flow, ATTR_ORIG_IPV4_SRC))});
  }

 private:
  // As long as such a flow is there its server answers no other client by this port. A program that
  // goes on sending begins it anew; a connection of TCP would be broken, and stays.
  bool had_outward(const nf_conntrack* flow) const {
    const FlowEnds ends = outward_ends_of(flow);
    return ends.protocol == IPPROTO_UDP && ends_.contains({ends, 0});
  }
  std::set<std::pair<FlowEnds, std::uint32_t>> ends_;
};

// What came to the router itself and would be led in if it came now.
class CameTooEarly {
 public:
  explicit CameTooEarly(const LedIn& led_in) : led_in_(led_in) {}
  bool had(const nf_conntrack* flow) const {
    // What was answered is a service of the router's.
    if (nfct_get_attr_u8(flow, ATTR_L4PROTO) != IPPROTO_UDP ||
        (nfct_get_attr_u32(flow, ATTR_STATUS) & (IPS_DST_NAT | IPS_SEEN_REPLY)) != 0 ||
        std::ranges::count(led_in_.external_addresses, address_of(flow, ATTR_ORIG_IPV4_DST)) == 0)
      return false;
    const auto port = ExternalPort::parse(ntohs(nfct_get_attr_u16(flow, ATTR_PORT_DST)));
    if (!port) return false;
    const auto sender = RemoteHost::parse(address_of(flow, ATTR_ORIG_IPV4_SRC));
    return led_in_.has({RemoteHost::any(), *port, Protocol::UDP}) ||
           (sender && led_in_.has({*sender, *port, Protocol::UDP}));
  }

 private:
  static Ipv4Address address_of(const nf_conntrack* flow, nf_conntrack_attr attribute) {
    return Ipv4Address::from_host_order(ntohl(nfct_get_attr_u32(flow, attribute)));
  }
  const LedIn& led_in_;
};

// The closed pinholes, as the keys that a flow can have come by: with each of the wildcards.
class ClosedPinholes {
 public:
  explicit ClosedPinholes(std::span<const Pinhole> pinholes) {
    for (const Pinhole& pinhole : pinholes)
      keys_.insert(pinhole.key);
  }
  bool had(const nf_conntrack* flow) const {
    const auto client = PinholeClient::parse(address_of(flow, ATTR_ORIG_IPV6_DST));
    const auto port = InternalPort::parse(ntohs(nfct_get_attr_u16(flow, ATTR_PORT_DST)));
    const auto protocol = parse_protocol(nfct_get_attr_u8(flow, ATTR_L4PROTO));
    const auto host = PinholeRemoteHost::parse(address_of(flow, ATTR_ORIG_IPV6_SRC));
    const auto remote_port = RemotePort::parse(ntohs(nfct_get_attr_u16(flow, ATTR_PORT_SRC)));
    if (!client || !port || !protocol || !host || !remote_port) return false;
    for (const auto& from_host : {PinholeRemoteHost::any(), *host})
      for (const auto& from_port :
           {PinholeRemotePort::any(), PinholeRemotePort::only(*remote_port)})
        if (keys_.contains({from_host, from_port, *client, *port, *protocol})) return true;
    return false;
  }

 private:
  static Ipv6Address address_of(const nf_conntrack* flow, nf_conntrack_attr attribute) {
    Ipv6Address::Bytes bytes{};
    if (const void* const value = nfct_get_attr(flow, attribute))
      std::memcpy(bytes.data(), value, bytes.size());
    return Ipv6Address::from_bytes(bytes);
  }
  std::set<PinholeKey> keys_;
};

// Has the kernel pick what it dumps: UDP to `address`. Those before 5.8 dump everything.
void ask_for_udp_to(Ipv4Address address, nlmsghdr& dump) {
  constexpr std::uint32_t kByDestination = 1 << 1, kByProtocol = 1 << 3;  // CTA_FILTER_F_...
  nlattr* const filter = mnl_attr_nest_start(&dump, CTA_FILTER);
  mnl_attr_put_u32(&dump, CTA_FILTER_ORIG_FLAGS, kByDestination | kByProtocol);
  mnl_attr_nest_end(&dump, filter);
  nlattr* const tuple = mnl_attr_nest_start(&dump, CTA_TUPLE_ORIG);
  nlattr* const addresses = mnl_attr_nest_start(&dump, CTA_TUPLE_IP);
  mnl_attr_put_u32(&dump, CTA_IP_V4_DST, htonl(address.host_order()));
  mnl_attr_nest_end(&dump, addresses);
  nlattr* const protocol = mnl_attr_nest_start(&dump, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(&dump, CTA_PROTO_NUM, IPPROTO_UDP);
  mnl_attr_nest_end(&dump, protocol);
  mnl_attr_nest_end(&dump, tuple);
}

}  // namespace

std::expected<FlowEnder, NetlinkError> FlowEnder::open() {
  auto socket = NlSocket::open(NETLINK_NETFILTER);
  if (!socket) return std::unexpected(socket.error());
  return FlowEnder(*std::move(socket));
}

std::expected<std::size_t, NetlinkError> FlowEnder::end_flows(std::span<const PortMapping> mappings,
                                                              const LedIn& led_in) {
  const Closed closed(mappings);
  const CameTooEarly early(led_in);
  NetfilterRequest dump(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET);
  // The usual look after an addition: what a LAN has begun need not be read.
  if (mappings.empty() && led_in.external_addresses.size() == 1)
    ask_for_udp_to(led_in.external_addresses.front(), dump.header());
  return end_chosen(dump,
                    [&](const nf_conntrack* flow) { return closed.had(flow) || early.had(flow); });
}

std::expected<std::size_t, NetlinkError> FlowEnder::end_flows(std::span<const Pinhole> pinholes) {
  const ClosedPinholes closed(pinholes);
  NetfilterRequest dump(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET6);
  return end_chosen(dump, [&](const nf_conntrack* flow) { return closed.had(flow); });
}

std::expected<std::size_t, NetlinkError> FlowEnder::end_chosen(NetfilterRequest& dump,
                                                               const Choice& choice) {
  std::vector<Flow> found;
  const auto dumped = socket_.ask(dump.header(), [&](const nlmsghdr& message) {
    Flow flow(nfct_new());
    if (flow && nfct_nlmsg_parse(&message, flow.get()) >= 0 && choice(flow.get()))
      found.push_back(std::move(flow));
  });
  // EINTR: the table changed while it was read, which it always does; what was seen is there.
  if (!dumped && dumped.error().error != EINTR) return std::unexpected(dumped.error());

  std::size_t ended = 0;
  for (const Flow& flow : found) {
    NetfilterRequest deletion(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
                              nfct_get_attr_u8(flow.get(), ATTR_ORIG_L3PROTO));
    nfct_nlmsg_build(&deletion.header(), flow.get());
    // One that has ended by itself meanwhile is gone as well.
    if (socket_.ask(deletion.header(), [](const nlmsghdr&) {})) ++ended;
  }
  return ended;
}

}  // namespace upnpd::kernel
