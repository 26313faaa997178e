#include "policy.h"

#include <doctest/doctest.h>

using namespace upnpd;
using namespace upnpd::core;

namespace {

bool permitted(const Policy& policy, std::uint16_t external, const char* client,
               std::uint16_t internal, const char* description = "") {
  return permits(policy, *ExternalPort::parse(external),
                 *InternalClient::parse(*Ipv4Address::parse(client)),
                 *InternalPort::parse(internal), *PortMappingDescription::parse(description))
      .has_value();
}

bool pinhole_permitted(const Policy& policy, const char* client, std::uint16_t port) {
  return permits(policy, PinholeKey{PinholeRemoteHost::any(), PinholeRemotePort::any(),
                                    *PinholeClient::parse(*Ipv6Address::parse(client)),
                                    *InternalPort::parse(port), Protocol::UDP})
      .has_value();
}

ClientNetwork clients_of(const char* text) {
  if (const auto network = Ipv6Network::parse(text)) return *network;
  return *Ipv4Network::parse(text);
}

PermissionLine line(PermissionLine::Verdict verdict, PortRange external, const char* clients,
                    PortRange internal, const char* pattern = nullptr) {
  return {verdict,
          external,
          clients_of(clients),
          internal,
          pattern == nullptr ? std::nullopt : DescriptionPattern::compile(pattern),
          "test:1"};
}

}  // namespace

TEST_SUITE("policy") {
  using enum PermissionLine::Verdict;

  TEST_CASE("the usual lines open high ports to high ports, to anyone, and nothing else") {
    Policy policy;
    policy.permissions = Policy::usual_permissions();
    CHECK(permitted(policy, 1024, "192.168.77.10", 1024));
    CHECK(permitted(policy, 65535, "10.0.0.1", 65535));
    CHECK_FALSE(permitted(policy, 1023, "192.168.77.10", 8080));
    CHECK_FALSE(permitted(policy, 8080, "192.168.77.10", 1023));
  }

  TEST_CASE("the first matching line decides, and no match denies") {
    Policy policy;
    policy.permissions = {line(Deny, {5000, 5999}, "192.168.77.0/24", {1, 65535}),
                          line(Allow, {5000, 6000}, "0.0.0.0/0", {1, 65535})};
    CHECK_FALSE(permitted(policy, 5500, "192.168.77.10", 80));
    CHECK(permitted(policy, 5500, "192.168.78.10", 80));
    CHECK(permitted(policy, 6000, "192.168.77.10", 80));
    CHECK_FALSE(permitted(policy, 6001, "192.168.77.10", 80));
    CHECK_FALSE(permitted(Policy{}, 8080, "192.168.77.10", 8080));
  }

  TEST_CASE("a line with an expression holds for the descriptions it matches") {
    Policy policy;
    policy.permissions = {line(Allow, {1, 65535}, "0.0.0.0/0", {1, 65535}, "^Xbox|PlayStation$")};
    CHECK(permitted(policy, 3074, "192.168.77.10", 3074, "Xbox Live"));
    CHECK(permitted(policy, 3074, "192.168.77.10", 3074, "XBOX LIVE"));
    CHECK_FALSE(permitted(policy, 3074, "192.168.77.10", 3074, "not an Xbox"));
    CHECK_FALSE(DescriptionPattern::compile("(unclosed"));
  }

  TEST_CASE("a denial names the line that denied") {
    Policy policy;
    policy.permissions = {line(Deny, {1, 65535}, "0.0.0.0/0", {1, 65535})};
    const auto verdict = permits(policy, *ExternalPort::parse(1),
                                 *InternalClient::parse(*Ipv4Address::parse("10.0.0.1")),
                                 *InternalPort::parse(1), *PortMappingDescription::parse(""));
    CHECK(verdict.error() == "denied by test:1");
  }

  TEST_CASE("pinholes go by the lines for everyone and by those of IPv6 networks") {
    Policy policy;
    policy.permissions = {line(Deny, {5000, 5000}, "2001:db8:77::10", {5000, 5000}),
                          line(Allow, {80, 80}, "2001:db8:77::/64", {80, 80}),
                          line(Deny, {6000, 6000}, "192.168.77.0/24", {6000, 6000}),
                          line(Deny, {0, 65535}, "0.0.0.0/0", {7000, 7000}),
                          line(Allow, {1, 65535}, "0.0.0.0/0", {1, 65535})};
    CHECK(pinhole_permitted(policy, "2001:db8:77::10", 4000));
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:77::10", 5000));
    CHECK(pinhole_permitted(policy, "2001:db8:77::11", 5000));
    CHECK(pinhole_permitted(policy, "2001:db8:77::11", 6000));
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:77::11", 7000));
    CHECK(pinhole_permitted(policy, "2001:db8:77::11", 80));
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:77::11", 81));
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:78::11", 80));
    CHECK(permitted(policy, 80, "192.168.77.10", 80));  // IPv6 lines are not for mappings
    policy.permissions = {line(Allow, {1, 65535}, "0.0.0.0/0", {1, 65535}, "Xbox")};
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:77::11", 4000));
    policy.permissions = {};
    CHECK_FALSE(pinhole_permitted(policy, "2001:db8:77::11", 4000));
  }
}
