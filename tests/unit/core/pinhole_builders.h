// Short ways to say a pinhole or a request about one.
#pragma once

#include "builders.h"

namespace upnpd::core {

inline Ipv6Address at6(const char* text) {
  return *Ipv6Address::parse(text);
}
inline const MacAddress kPcMac{2, 0, 0, 0, 0, 0x10};
inline const MacAddress kConsoleMac{2, 0, 0, 0, 0, 0x11};
inline const Ipv6Address kPc6 = at6("2001:db8:77::10");
inline const Ipv6Address kPcPrivacy6 = at6("2001:db8:77::abcd:1234");
inline const Ipv6Address kConsole6 = at6("2001:db8:77::11");
inline const Ipv6Address kRouter6 = at6("2001:db8:77::1");

inline Neighbours the_neighbours() {
  Neighbours neighbours;
  neighbours.add(0, kPc, kPcMac);
  neighbours.add(0, kPc6, kPcMac);
  neighbours.add(0, kPcPrivacy6, kPcMac);
  neighbours.add(0, at6("fe80::10"), kPcMac);
  neighbours.add(0, kConsole, kConsoleMac);
  neighbours.add(0, kConsole6, kConsoleMac);
  return neighbours;
}

inline Surroundings home_with_ipv6() {
  Surroundings home = core::home();
  home.own_ipv6_addresses = {kRouter6};
  home.lans[0].ipv6_networks = {*Ipv6Network::parse("2001:db8:77::1/64")};
  home.neighbours = the_neighbours();
  return home;
}

// a_pinhole_request().from(kPc).to(kPc6, 4000).udp().lease(60).add()
class PinholeRequestBuilder {
 public:
  PinholeRequestBuilder& from(IpAddress caller) {
    head_.caller = caller;
    return *this;
  }
  PinholeRequestBuilder& lan(LanIndex lan) {
    head_.lan = lan;
    return *this;
  }
  PinholeRequestBuilder& to(Ipv6AddressArgument client, std::uint16_t port) {
    arguments_.internal_client = client;
    arguments_.internal_port = port;
    return *this;
  }
  PinholeRequestBuilder& remote(Ipv6AddressArgument host, std::uint16_t port) {
    arguments_.remote_host = host;
    arguments_.remote_port = port;
    return *this;
  }
  PinholeRequestBuilder& protocol(std::uint16_t number) {
    arguments_.protocol = number;
    return *this;
  }
  PinholeRequestBuilder& lease(std::uint32_t seconds) {
    arguments_.lease_time = seconds;
    return *this;
  }

  ServiceRequest add() const { return AddPinhole{head_, arguments_}; }
  ServiceRequest update(std::uint16_t id) const {
    return UpdatePinhole{head_, id, arguments_.lease_time};
  }
  ServiceRequest remove(std::uint16_t id) const { return DeletePinhole{head_, id}; }
  ServiceRequest packets(std::uint16_t id) const { return GetPinholePackets{head_, id}; }
  ServiceRequest check(std::uint16_t id) const { return CheckPinholeWorking{head_, id}; }
  ServiceRequest timeout() const { return GetOutboundPinholeTimeout{head_, arguments_.protocol}; }

 private:
  RequestHead head_{1, 0, kPc, IgdVersion::v2};
  PinholeArguments arguments_{NoAddress{}, 0, kPc6, 4000, 17, 3600};
};
inline PinholeRequestBuilder a_pinhole_request() {
  return {};
}

// UDP to kPc6 port 4000 from anywhere, until second 60.
inline Pinhole a_pinhole(std::uint16_t id = 1, std::uint16_t port = 4000, int until = 60) {
  return {.key = {PinholeRemoteHost::any(), PinholeRemotePort::any(), *PinholeClient::parse(kPc6),
                  *InternalPort::parse(port), Protocol::UDP},
          .expires = at_second(until),
          .id = *UniqueId::parse(id),
          .lan = 0,
          .owner = kPc,
          .host = kPcMac};
}

}  // namespace upnpd::core
