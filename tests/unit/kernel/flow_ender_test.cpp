// On the kernel's conntrack, whose entries the tests put in.
#include "flow_ender.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <memory>
#include <set>

#include "builders.h"
#include "nl_request.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

constexpr const char* kPeer = "203.0.113.9";
constexpr const char* kRouter = "203.0.113.1";
constexpr const char* kSecond = "198.51.100.1";  // another external address of the router

struct Destroy {
  void operator()(nf_conntrack* flow) const { nfct_destroy(flow); }
};
using Entry = std::unique_ptr<nf_conntrack, Destroy>;

// An entry of conntrack, known by the port it comes from.
struct Flow {
  std::uint16_t from;
  std::uint16_t to_port;
  const char* to = kRouter;
  const char* sender = kPeer;
  std::uint8_t protocol = IPPROTO_UDP;
  bool answered = false;
  const char* led_to = nullptr;  // by a destination NAT
};

void set_address(nf_conntrack* entry, nf_conntrack_attr attribute, const char* literal) {
  nfct_set_attr_u32(entry, attribute, htonl(address(literal).host_order()));
}

// The flows there are, in a namespace that nothing else sends in.
class Flows {
 public:
  ~Flows() {
    ask(IPCTNL_MSG_CT_DELETE, NLM_F_ACK, nullptr, [](const nlmsghdr&) {});
  }
  void put(const Flow& flow) {
    const Entry entry(nfct_new());
    nfct_set_attr_u8(entry.get(), ATTR_L3PROTO, AF_INET);
    nfct_set_attr_u8(entry.get(), ATTR_L4PROTO, flow.protocol);
    set_address(entry.get(), ATTR_IPV4_SRC, flow.sender);
    set_address(entry.get(), ATTR_IPV4_DST, flow.to);
    nfct_set_attr_u16(entry.get(), ATTR_PORT_SRC, htons(flow.from));
    nfct_set_attr_u16(entry.get(), ATTR_PORT_DST, htons(flow.to_port));
    nfct_setobjopt(entry.get(), NFCT_SOPT_SETUP_REPLY);
    if (flow.protocol == IPPROTO_TCP)
      nfct_set_attr_u8(entry.get(), ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
    if (flow.led_to != nullptr) set_address(entry.get(), ATTR_DNAT_IPV4, flow.led_to);
    const std::uint32_t reply = flow.answered ? IPS_SEEN_REPLY : 0;
    nfct_set_attr_u32(entry.get(), ATTR_STATUS, IPS_CONFIRMED | reply);
    nfct_set_attr_u32(entry.get(), ATTR_TIMEOUT, 100);
    ask(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, entry.get(),
        [](const nlmsghdr&) {});
  }
  std::set<std::uint16_t> left() {
    std::set<std::uint16_t> ports;
    ask(IPCTNL_MSG_CT_GET, NLM_F_DUMP, nullptr, [&](const nlmsghdr& message) {
      const Entry entry(nfct_new());
      REQUIRE(nfct_nlmsg_parse(&message, entry.get()) >= 0);
      ports.insert(ntohs(nfct_get_attr_u16(entry.get(), ATTR_PORT_SRC)));
    });
    return ports;
  }

 private:
  void ask(int type, int flags, const nf_conntrack* entry, const NlSocket::OnMessage& on_message) {
    NetfilterRequest request(NFNL_SUBSYS_CTNETLINK, type, flags, AF_INET);
    if (entry != nullptr) nfct_nlmsg_build(&request.header(), entry);
    const auto asked = socket_.ask(request.header(), on_message);
    const int error = asked ? 0 : asked.error().error;
    CAPTURE(error);
    REQUIRE(asked);
  }
  NlSocket socket_ = *NlSocket::open(NETLINK_NETFILTER);
};

struct Conntrack {
  Flows flows;
  FlowEnder ender = *FlowEnder::open();
  std::vector<Ipv4Address> external_addresses{address(kRouter)};
  std::set<PortMappingKey> keys;

  std::size_t end(const std::vector<PortMapping>& closed = {}) {
    const auto ended = ender.end_flows(
        closed, {external_addresses, [this](const auto& key) { return keys.contains(key); }});
    REQUIRE(ended);
    return *ended;
  }
};

PortMappingKey a_key(std::uint32_t port) {
  return {RemoteHost::any(), external_port(port), Protocol::UDP};
}

}  // namespace

TEST_SUITE("flow_ender") {
  TEST_CASE("what came by UDP before its mapping ends, and nothing else of the router's") {
    Conntrack conntrack;
    conntrack.keys = {a_key(6000)};
    conntrack.flows.put({.from = 1, .to_port = 6000});
    conntrack.flows.put({.from = 2, .to_port = 6000, .sender = "192.168.77.10"});
    conntrack.flows.put({.from = 3, .to_port = 6000, .to = kSecond});
    conntrack.flows.put({.from = 4, .to_port = 6001});
    conntrack.flows.put({.from = 5, .to_port = 6000, .protocol = IPPROTO_TCP});
    conntrack.flows.put({.from = 6, .to_port = 6000, .answered = true});
    conntrack.flows.put({.from = 7, .to_port = 6000, .led_to = "192.168.77.10"});
    conntrack.flows.put({.from = 6000, .to_port = 53, .to = kPeer, .sender = kRouter});
    REQUIRE(conntrack.flows.left().size() == 8);
    CHECK(conntrack.end() == 2);
    CHECK(conntrack.flows.left() == std::set<std::uint16_t>{3, 4, 5, 6, 7, 6000});
    conntrack.external_addresses.push_back(address(kSecond));
    CHECK(conntrack.end() == 1);
    CHECK(conntrack.flows.left() == std::set<std::uint16_t>{4, 5, 6, 7, 6000});
    conntrack.external_addresses.clear();
    conntrack.keys.insert(a_key(6001));
    CHECK(conntrack.end() == 0);
  }

  TEST_CASE("of a mapping for one RemoteHost it is that host's alone") {
    Conntrack conntrack;
    conntrack.keys = {{*RemoteHost::parse(address(kPeer)), external_port(6000), Protocol::UDP}};
    conntrack.flows.put({.from = 1, .to_port = 6000});
    conntrack.flows.put({.from = 2, .to_port = 6000, .sender = "203.0.113.20"});
    CHECK(conntrack.end() == 1);
    CHECK(conntrack.flows.left() == std::set<std::uint16_t>{2});
  }

  TEST_CASE("the flows of a mapping that is closed end in the same look") {
    Conntrack conntrack;
    conntrack.keys = {a_key(6000)};
    const PortMapping closed = a_mapping().udp().port(6001).to("192.168.77.10", 6001);
    conntrack.flows.put({.from = 1, .to_port = 6000});
    conntrack.flows.put({.from = 2, .to_port = 6001, .led_to = "192.168.77.10"});
    conntrack.flows.put({.from = 3, .to_port = 6001, .led_to = "192.168.77.99"});
    CHECK(conntrack.end({closed}) == 2);
    CHECK(conntrack.flows.left() == std::set<std::uint16_t>{3});
  }
}
