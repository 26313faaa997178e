// Small builders of the values the tests speak of.
#pragma once

#include <chrono>
#include <ostream>
#include <string_view>

#include "upnpd/nat.h"

namespace upnpd::kernel::test {

using namespace std::chrono_literals;

// "Now", wherever a test needs one.
inline constexpr BootTime kNow{std::chrono::hours(5)};

inline Ipv4Address address(std::string_view literal) {
  return Ipv4Address::parse(literal).value();
}
inline Ipv4Network network(std::string_view text) {
  return Ipv4Network::parse(text).value();
}
inline ExternalPort external_port(std::uint32_t number) {
  return ExternalPort::parse(number).value();
}
inline InternalPort internal_port(std::uint32_t number) {
  return InternalPort::parse(number).value();
}

class MappingBuilder {
 public:
  MappingBuilder& udp() {
    return set([](auto& m) { m.key.protocol = Protocol::UDP; });
  }
  MappingBuilder& port(std::uint32_t number) {
    return set([&](auto& m) { m.key.external_port = external_port(number); });
  }
  MappingBuilder& from(std::string_view host) {
    return set([&](auto& m) { m.key.remote_host = RemoteHost::parse(address(host)).value(); });
  }
  MappingBuilder& to(std::string_view client, std::uint32_t port) {
    return set([&](auto& m) {
      m.client = InternalClient::parse(address(client)).value();
      m.internal_port = internal_port(port);
    });
  }
  MappingBuilder& described(std::string_view text) {
    return set([&](auto& m) { m.description = PortMappingDescription::parse(text).value(); });
  }
  MappingBuilder& lasting(std::chrono::milliseconds lease) {
    return set([&](auto& m) { m.expires = kNow + lease; });
  }
  MappingBuilder& permanent() {
    return set([](auto& m) { m.expires.reset(); });
  }
  MappingBuilder& id(MappingId id) {
    return set([&](auto& m) { m.id = id; });
  }
  MappingBuilder& lan(LanIndex lan) {
    return set([&](auto& m) { m.lan = lan; });
  }
  MappingBuilder& owner(std::string_view owner) {
    return set([&](auto& m) { m.owner = address(owner); });
  }
  operator PortMapping() const { return mapping_; }

 private:
  template <class Change>
  MappingBuilder& set(const Change& change) {
    change(mapping_);
    return *this;
  }
  PortMapping mapping_{.key = {RemoteHost::any(), external_port(8080), Protocol::TCP},
                       .client = InternalClient::parse(address("192.168.77.10")).value(),
                       .internal_port = internal_port(80),
                       .description = PortMappingDescription::parse("a game").value(),
                       .expires = kNow + std::chrono::hours(1),
                       .id = 1,
                       .lan = 0,
                       .owner = address("192.168.77.10")};
};
// TCP 8080 to 192.168.77.10:80, for an hour.
inline MappingBuilder a_mapping() {
  return {};
}

// UDP to 2001:db8:77::10 port 4000, from anywhere, for an hour.
inline Pinhole a_pinhole() {
  return {.key = {PinholeRemoteHost::any(), PinholeRemotePort::any(),
                  PinholeClient::parse(Ipv6Address::parse("2001:db8:77::10").value()).value(),
                  internal_port(4000), Protocol::UDP},
          .expires = kNow + std::chrono::hours(1),
          .id = UniqueId::parse(4711).value(),
          .lan = 2,
          .owner = address("192.168.77.10"),
          .host = {2, 0, 0x5e, 0x10, 0, 1}};
}
// The same with each combination of wildcards.
inline std::vector<Pinhole> pinholes_of_every_kind() {
  std::vector<Pinhole> pinholes(4, a_pinhole());
  const auto host = PinholeRemoteHost::parse(Ipv6Address::parse("2001:db8:f::9").value()).value();
  const auto port = PinholeRemotePort::only(RemotePort::parse(6000).value());
  pinholes[1].key.remote_port = pinholes[3].key.remote_port = port;
  pinholes[2].key.remote_host = pinholes[3].key.remote_host = host;
  pinholes[1].owner = Ipv6Address::parse("fe80::10").value();
  for (std::uint16_t i = 0; i < 4; ++i)
    pinholes[i].id = UniqueId::parse(i + 1u).value();
  return pinholes;
}

// TCP 192.168.77.10:80 leaves by port 8080, for an hour.
inline OutwardMapping an_outward_mapping() {
  return {.endpoint = {InternalClient::parse(address("192.168.77.10")).value(), Protocol::TCP,
                       internal_port(80)},
          .external_port = external_port(8080),
          .external_port_expires = kNow + std::chrono::hours(1),
          .forward_expires = kNow + std::chrono::hours(2)};
}

}  // namespace upnpd::kernel::test
