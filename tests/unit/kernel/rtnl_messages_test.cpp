#include "rtnl_messages.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>
#include <vector>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// Builds a message; `Family` is its family header.
template <class Family>
class Message {
 public:
  Message(std::uint16_t type, const Family& family) {
    mnl_nlmsg_put_header(buffer_)->nlmsg_type = type;
    std::memcpy(mnl_nlmsg_put_extra_header(head(), sizeof family), &family, sizeof family);
  }
  Message& bytes(std::uint16_t type, const void* data, std::size_t size) {
    mnl_attr_put(head(), type, size, data);
    return *this;
  }
  Message& number(std::uint16_t type, std::uint32_t value) {
    return bytes(type, &value, sizeof value);
  }
  Message& text(std::uint16_t type, std::string_view value) {
    mnl_attr_put_strz(head(), type, std::string(value).c_str());
    return *this;
  }
  std::span<const std::byte> get() const {
    nlmsghdr head;
    std::memcpy(&head, buffer_, sizeof head);
    return std::as_bytes(std::span(buffer_)).first(head.nlmsg_len);
  }

 private:
  nlmsghdr* head() { return static_cast<nlmsghdr*>(static_cast<void*>(buffer_)); }
  alignas(nlmsghdr) char buffer_[1024] = {};
};

constexpr std::uint8_t kMac[] = {2, 0, 0x5e, 0x10, 0, 1};

Message<ifinfomsg> a_link() {
  return Message<ifinfomsg>(RTM_NEWLINK, {.ifi_index = 7, .ifi_flags = IFF_UP | IFF_RUNNING})
      .text(IFLA_IFNAME, "br-lan")
      .bytes(IFLA_ADDRESS, kMac, sizeof kMac);
}
Message<ifaddrmsg> an_address() {
  return Message<ifaddrmsg>(RTM_NEWADDR,
                            {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7})
      .number(IFA_ADDRESS, htonl(0xc0a84d02))
      .number(IFA_LOCAL, htonl(0xc0a84d01));
}
rtmsg default_route_head() {
  return {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
}
Message<rtmsg> a_default_route() {
  return Message<rtmsg>(RTM_NEWROUTE, default_route_head())
      .number(RTA_PRIORITY, 100)
      .number(RTA_GATEWAY, htonl(0xcb007101))
      .number(RTA_OIF, 3);
}

}  // namespace

TEST_SUITE("rtnl_messages") {
  TEST_CASE("a neighbour of either family is read, unless its hardware address is unknown") {
    const auto ipv6 = Ipv6Address::parse("2001:db8:77::10").value();
    const auto neighbour = [&](int state) {
      return Message<ndmsg>(RTM_NEWNEIGH, {.ndm_family = AF_INET6,
                                           .ndm_ifindex = 7,
                                           .ndm_state = static_cast<std::uint16_t>(state)})
          .bytes(NDA_DST, ipv6.bytes().data(), 16)
          .bytes(NDA_LLADDR, kMac, sizeof kMac);
    };
    for (const int known : {NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PERMANENT}) {
      const auto read = parse_neighbour(neighbour(known).get());
      REQUIRE(read);
      CHECK(read->index == 7);
      CHECK(std::get<Ipv6Address>(read->address) == ipv6);
      CHECK(to_string(read->mac) == "02:00:5e:10:00:01");
      CHECK(read->confirmed == (known == NUD_REACHABLE || known == NUD_PERMANENT));
      CHECK(read->pinned == (known == NUD_PERMANENT));
    }
    for (const int unknown : {NUD_NONE, NUD_INCOMPLETE, NUD_FAILED, NUD_NOARP})
      CHECK_FALSE(parse_neighbour(neighbour(unknown).get()));
    const std::uint32_t ipv4 = htonl(0xc0a84d0a);
    const auto read = parse_neighbour(
        Message<ndmsg>(RTM_NEWNEIGH,
                       {.ndm_family = AF_INET, .ndm_ifindex = 7, .ndm_state = NUD_STALE})
            .bytes(NDA_DST, &ipv4, 4)
            .bytes(NDA_LLADDR, kMac, sizeof kMac)
            .get());
    REQUIRE(read);
    CHECK(std::get<Ipv4Address>(read->address) == address("192.168.77.10"));
    const auto whole = neighbour(NUD_STALE);
    const auto bytes = whole.get();
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(parse_neighbour(bytes.first(size)));
  }

  TEST_CASE("an IPv6 address of the router is read with its prefix") {
    const auto ipv6 = Ipv6Address::parse("2001:db8:77::1").value();
    const auto message =
        Message<ifaddrmsg>(RTM_NEWADDR,
                           {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 7})
            .bytes(IFA_ADDRESS, ipv6.bytes().data(), 16);
    const auto read = parse_ipv6_address(message.get());
    REQUIRE(read);
    CHECK(read->address.to_string() == "2001:db8:77::1/64");
    CHECK(read->usable);
    CHECK_FALSE(read->deprecated);
    const auto flagged = [&](std::uint8_t flags) {
      return *parse_ipv6_address(
          Message<ifaddrmsg>(
              RTM_NEWADDR,
              {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_flags = flags, .ifa_index = 7})
              .bytes(IFA_ADDRESS, ipv6.bytes().data(), 16)
              .get());
    };
    CHECK_FALSE(flagged(IFA_F_TENTATIVE).usable);
    CHECK_FALSE(flagged(IFA_F_DADFAILED).usable);
    CHECK(flagged(IFA_F_DEPRECATED).usable);
    CHECK(flagged(IFA_F_DEPRECATED).deprecated);
    CHECK_FALSE(parse_address(message.get()));
    CHECK_FALSE(parse_ipv6_address(an_address().get()));
    CHECK(changes_surroundings(message.get()));
  }

  TEST_CASE("a link is read with name, hardware address and state") {
    const auto link = parse_link(a_link().get());
    REQUIRE(link);
    CHECK(link->index == 7);
    CHECK(link->name == "br-lan");
    CHECK(to_string(link->mac) == "02:00:5e:10:00:01");
    CHECK(link->up);
    CHECK(link->running);
    CHECK_FALSE(link->counters);
  }

  TEST_CASE("a link without a hardware address, or with one of another length, has zeros") {
    const Message<ifinfomsg> tunnel(RTM_NEWLINK, {.ifi_index = 2});
    CHECK_FALSE(parse_link(tunnel.get()));  // no name either
    const auto head = Message<ifinfomsg>(RTM_NEWLINK, {.ifi_index = 2}).text(IFLA_IFNAME, "ppp0");
    REQUIRE(parse_link(head.get()));
    CHECK(parse_link(head.get())->mac == MacAddress{});
    CHECK_FALSE(parse_link(head.get())->up);
    const std::uint8_t four[4] = {10, 0, 0, 1};
    const auto gre = Message<ifinfomsg>(RTM_NEWLINK, {.ifi_index = 2})
                         .bytes(IFLA_ADDRESS, four, 4)
                         .text(IFLA_IFNAME, "gre1");
    REQUIRE(parse_link(gre.get()));
    CHECK(parse_link(gre.get())->mac == MacAddress{});
  }

  TEST_CASE("counters are read however long the kernel's structure is") {
    const std::uint64_t stats[25] = {1, 2, 3000, 4000};
    for (const std::size_t size : {32u, 184u, 200u}) {
      const auto link = parse_link(a_link().bytes(IFLA_STATS64, stats, size).get());
      REQUIRE(link);
      REQUIRE(link->counters);
      CHECK(link->counters->packets_received == 1);
      CHECK(link->counters->packets_sent == 2);
      CHECK(link->counters->bytes_received == 3000);
      CHECK(link->counters->bytes_sent == 4000);
    }
    CHECK_FALSE(parse_link(a_link().bytes(IFLA_STATS64, stats, 31).get())->counters);
  }

  TEST_CASE("an address is the router's own, not its peer's") {
    const auto message = parse_address(an_address().get());
    REQUIRE(message);
    CHECK(message->index == 7);
    CHECK(message->address == network("192.168.77.1/24"));
    CHECK_FALSE(message->secondary);
    CHECK(message->global);
    CHECK(parse_address(an_address().number(IFA_FLAGS, 0x01).get())->secondary);
    const ifaddrmsg of_the_link{
        .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_scope = RT_SCOPE_LINK, .ifa_index = 7};
    CHECK_FALSE(
        parse_address(Message<ifaddrmsg>(RTM_NEWADDR, of_the_link).number(IFA_LOCAL, 1).get())
            ->global);
  }

  TEST_CASE("an address reaches its own network, or the peer's") {
    CHECK(parse_address(an_address().get())->reached.contains(address("192.168.77.2")));
    auto message = Message<ifaddrmsg>(RTM_NEWADDR,
                                      {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 7});
    message.number(IFA_LOCAL, htonl(0xcb007107));
    CHECK(parse_address(message.get())->reached == network("203.0.113.7/32"));
    message.number(IFA_ADDRESS, htonl(0xcb007101));
    CHECK(parse_address(message.get())->reached == network("203.0.113.1/32"));
    CHECK(parse_address(message.get())->address == network("203.0.113.7/32"));
  }

  TEST_CASE("addresses of another family, or with an impossible prefix, are none") {
    const Message<ifaddrmsg> six(RTM_NEWADDR,
                                 {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 7});
    CHECK_FALSE(parse_address(six.get()));
    auto wrong = Message<ifaddrmsg>(RTM_NEWADDR,
                                    {.ifa_family = AF_INET, .ifa_prefixlen = 33, .ifa_index = 7});
    CHECK_FALSE(parse_address(wrong.number(IFA_LOCAL, 1).get()));
    const Message<ifaddrmsg> none(RTM_NEWADDR,
                                  {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7});
    CHECK_FALSE(parse_address(none.get()));
  }

  TEST_CASE("a default route is one of the main table, alive, to anywhere") {
    const auto route = parse_default_route(a_default_route().get());
    REQUIRE(route);
    REQUIRE(route->next_hops.size() == 1);
    CHECK(route->next_hops[0].index == 3);
    CHECK(route->next_hops[0].gateway == address("203.0.113.1"));
    CHECK(route->metric == 100);
    rtmsg head = default_route_head();
    SUBCASE("to a network") {
      head.rtm_dst_len = 24;
    }
    SUBCASE("of another table") {
      head.rtm_table = RT_TABLE_LOCAL;
    }
    SUBCASE("unreachable") {
      head.rtm_type = RTN_UNREACHABLE;
    }
    SUBCASE("dead") {
      head.rtm_flags = RTNH_F_DEAD;
    }
    CHECK_FALSE(parse_default_route(Message<rtmsg>(RTM_NEWROUTE, head).number(RTA_OIF, 3).get()));
  }

  TEST_CASE("a table number above 255 stands in an attribute") {
    rtmsg head = default_route_head();
    head.rtm_table = RT_TABLE_COMPAT;
    CHECK_FALSE(parse_default_route(
        Message<rtmsg>(RTM_NEWROUTE, head).number(RTA_TABLE, 1000).number(RTA_OIF, 3).get()));
    CHECK(parse_default_route(Message<rtmsg>(RTM_NEWROUTE, head)
                                  .number(RTA_TABLE, RT_TABLE_MAIN)
                                  .number(RTA_OIF, 3)
                                  .get()));
  }

  TEST_CASE("of several next hops those that are alive count, each with its gateway") {
    struct Hop {
      rtnexthop head;
      nlattr gateway;
      std::uint32_t address;
    };
    const auto hop = [](unsigned char flags, int index, std::uint16_t type) {
      return Hop{{sizeof(Hop), flags, 0, index}, {8, type}, htonl(0xcb007100U + unsigned(index))};
    };
    const Hop hops[] = {hop(RTNH_F_DEAD, 4, RTA_GATEWAY), hop(0, 5, RTA_GATEWAY),
                        hop(0, 6, RTA_FLOW)};
    const auto route = parse_default_route(Message<rtmsg>(RTM_NEWROUTE, default_route_head())
                                               .bytes(RTA_MULTIPATH, hops, sizeof hops)
                                               .get());
    REQUIRE(route);
    REQUIRE(route->next_hops.size() == 2);
    CHECK(route->next_hops[0].index == 5);
    CHECK(route->next_hops[0].gateway == address("203.0.113.5"));
    CHECK(route->next_hops[1].index == 6);
    CHECK_FALSE(route->next_hops[1].gateway);
    CHECK(route->metric == 0);
    CHECK_FALSE(parse_default_route(Message<rtmsg>(RTM_NEWROUTE, default_route_head())
                                        .bytes(RTA_MULTIPATH, hops, sizeof(Hop))
                                        .get()));
  }

  TEST_CASE("messages cut short anywhere, or with lengths that lie, are no value") {
    const auto link = a_link();
    const auto own = an_address();
    const auto route = a_default_route();
    for (const auto message : {link.get(), own.get(), route.get()})
      for (std::size_t size = 0; size < message.size(); ++size) {
        const std::vector<std::byte> cut(message.begin(),
                                         message.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(parse_link(cut));
        CHECK_FALSE(parse_address(cut));
        CHECK_FALSE(parse_default_route(cut));
        (void)changes_surroundings(cut);
      }
    for (const auto message : {link.get(), own.get(), route.get()})
      for (std::size_t at = 0; at < message.size(); ++at)
        for (const int value : {0, 1, 3, 0x7f, 0xff}) {
          std::vector<std::byte> changed(message.begin(), message.end());
          changed[at] = static_cast<std::byte>(value);
          (void)parse_link(changed), (void)parse_address(changed);
          (void)parse_default_route(changed), (void)changes_surroundings(changed);
        }
  }

  TEST_CASE(
      "links, IPv4 addresses and default routes change the surroundings, other routes do not") {
    CHECK(changes_surroundings(a_link().get()));
    CHECK(changes_surroundings(an_address().get()));
    CHECK(changes_surroundings(a_default_route().get()));
    rtmsg head = default_route_head();
    CHECK(changes_surroundings(Message<rtmsg>(RTM_DELROUTE, head).get()));
    head.rtm_dst_len = 24;
    CHECK_FALSE(changes_surroundings(Message<rtmsg>(RTM_NEWROUTE, head).get()));
    CHECK_FALSE(changes_surroundings(Message<rtmsg>(RTM_NEWNEIGH, head).get()));
  }
}
