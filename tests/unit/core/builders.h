// Short ways to say a mapping or a request, for the tests of the core.
#pragma once

#include "mapper.h"

namespace upnpd::core {

inline Ipv4Address at(const char* text) {
  return *Ipv4Address::parse(text);
}
inline const Ipv4Address kPc = at("192.168.77.10");
inline const Ipv4Address kConsole = at("192.168.77.11");
inline const Ipv4Address kRouter = at("192.168.77.1");

inline BootTime at_second(int seconds) {
  return BootTime(std::chrono::seconds(seconds));
}

inline Surroundings home() {
  return {{{0, {*Ipv4Network::parse("192.168.77.1/24")}},
           {1, {*Ipv4Network::parse("192.168.78.1/24")}}},
          {kRouter, at("192.168.78.1"), at("203.0.113.1"), at("127.0.0.1")}};
}

inline Policy usual_policy() {
  Policy policy;
  policy.permissions = Policy::usual_permissions();
  return policy;
}

// a_request().from(kPc).tcp(8080, 80).lease(60).add()
class RequestBuilder {
 public:
  RequestBuilder& from(IpAddress caller) {
    head_.caller = caller;
    return *this;
  }
  RequestBuilder& lan(LanIndex lan) {
    head_.lan = lan;
    return *this;
  }
  RequestBuilder& v1() {
    head_.version = IgdVersion::v1;
    return *this;
  }
  RequestBuilder& tcp(std::uint16_t external, std::uint16_t internal) {
    return ports(Protocol::TCP, external, internal);
  }
  RequestBuilder& udp(std::uint16_t external, std::uint16_t internal) {
    return ports(Protocol::UDP, external, internal);
  }
  RequestBuilder& no_protocol() {
    arguments_.protocol = NoProtocol{};
    return *this;
  }
  RequestBuilder& unknown_protocol() {
    arguments_.protocol = UnknownProtocol{};
    return *this;
  }
  RequestBuilder& client(AddressArgument client) {
    arguments_.internal_client = client;
    return *this;
  }
  RequestBuilder& remote(AddressArgument remote) {
    arguments_.remote_host = remote;
    return *this;
  }
  RequestBuilder& lease(std::uint32_t seconds) {
    arguments_.lease_duration = seconds;
    return *this;
  }
  RequestBuilder& disabled() {
    arguments_.enabled = false;
    return *this;
  }
  RequestBuilder& described(const char* text) {
    arguments_.description = PortMappingDescription::parse(text);
    return *this;
  }
  RequestBuilder& too_long() {
    arguments_.description = std::nullopt;
    return *this;
  }

  RequestHead head() const { return head_; }
  PortMappingArguments arguments() const { return arguments_; }
  ServiceRequest add() const { return AddPortMapping{head_, arguments_}; }
  ServiceRequest add_any() const { return AddAnyPortMapping{head_, arguments_}; }
  ServiceRequest remove() const {
    return DeletePortMapping{head_, arguments_.remote_host, arguments_.external_port,
                             arguments_.protocol};
  }
  ServiceRequest get() const {
    return GetSpecificPortMappingEntry{head_, arguments_.remote_host, arguments_.external_port,
                                       arguments_.protocol};
  }
  ServiceRequest remove_range(std::uint16_t first, std::uint16_t last) const {
    return DeletePortMappingRange{head_, {first, last, arguments_.protocol}};
  }
  ServiceRequest list(std::uint16_t first, std::uint16_t last, std::uint16_t number = 0,
                      std::optional<PortMappingKey> after = std::nullopt) const {
    return GetListOfPortMappings{head_, {first, last, arguments_.protocol}, number, after};
  }
  ServiceRequest get_at(std::uint16_t index, std::uint16_t following = 0) const {
    return GetGenericPortMappingEntry{head_, index, following};
  }

 private:
  RequestBuilder& ports(Protocol protocol, std::uint16_t external, std::uint16_t internal) {
    arguments_.protocol = protocol;
    arguments_.external_port = external;
    arguments_.internal_port = internal;
    return *this;
  }
  RequestHead head_{1, 0, kPc, IgdVersion::v2};
  PortMappingArguments arguments_{NoAddress{},
                                  8080,
                                  Protocol::TCP,
                                  8080,
                                  NoAddress{},
                                  true,
                                  PortMappingDescription::parse("test"),
                                  3600};
};
inline RequestBuilder a_request() {
  return {};
}

// a_mapping().tcp(8080, 80).to(kPc).until(60)
class MappingBuilder {
 public:
  MappingBuilder& tcp(std::uint16_t external, std::uint16_t internal) {
    return ports(Protocol::TCP, external, internal);
  }
  MappingBuilder& udp(std::uint16_t external, std::uint16_t internal) {
    return ports(Protocol::UDP, external, internal);
  }
  MappingBuilder& to(Ipv4Address client) {
    mapping_.client = *InternalClient::parse(client);
    mapping_.owner = client;
    return *this;
  }
  MappingBuilder& from(const char* remote) {
    mapping_.key.remote_host = *RemoteHost::parse(at(remote));
    return *this;
  }
  MappingBuilder& until(int second) {
    mapping_.expires = at_second(second);
    return *this;
  }
  MappingBuilder& id(MappingId id) {
    mapping_.id = id;
    return *this;
  }
  MappingBuilder& disabled() {
    mapping_.enabled = false;
    return *this;
  }
  operator PortMapping() const { return mapping_; }

 private:
  MappingBuilder& ports(Protocol protocol, std::uint16_t external, std::uint16_t internal) {
    mapping_.key.protocol = protocol;
    mapping_.key.external_port = *ExternalPort::parse(external);
    mapping_.internal_port = *InternalPort::parse(internal);
    return *this;
  }
  PortMapping mapping_{.key = {RemoteHost::any(), *ExternalPort::parse(8080), Protocol::TCP},
                       .client = *InternalClient::parse(kPc),
                       .internal_port = *InternalPort::parse(8080),
                       .description = *PortMappingDescription::parse("test"),
                       .id = 1,
                       .owner = kPc};
};
inline MappingBuilder a_mapping() {
  return {};
}

}  // namespace upnpd::core
