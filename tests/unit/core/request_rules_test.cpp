#include "request_rules.h"

#include <doctest/doctest.h>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::core;

namespace {

UpnpError error_of(const RequestBuilder& request, const Policy& policy = usual_policy()) {
  const auto wanted = judge_arguments(request.head(), request.arguments(), policy, home());
  REQUIRE_FALSE(wanted);
  CHECK_FALSE(wanted.error().reason.empty());
  return wanted.error().error;
}

}  // namespace

TEST_SUITE("request_rules") {
  using enum UpnpError;

  TEST_CASE("a good request becomes the mapping it asks for, the caller being the client") {
    const auto request = a_request().tcp(8080, 80).lease(60).described("web");
    const auto wanted =
        judge_arguments(request.head(), request.arguments(), usual_policy(), home());
    REQUIRE(wanted);
    CHECK(wanted->client.address() == kPc);
    CHECK(wanted->key.external_port.number() == 8080);
    CHECK(wanted->internal_port.number() == 80);
    CHECK(wanted->key.remote_host.is_any());
    CHECK(wanted->lease.seconds().count() == 60);
  }

  TEST_CASE("each wrong argument has its error, in each version") {
    CHECK(error_of(a_request().no_protocol()) == ArgumentValueOutOfRange);
    CHECK(error_of(a_request().client(MalformedAddress{})) == ArgumentValueInvalid);
    CHECK(error_of(a_request().tcp(8080, 0)) == WildCardNotPermittedInIntPort);
    CHECK(error_of(a_request().v1().tcp(8080, 0)) == InvalidArgs);
    CHECK(error_of(a_request().tcp(0, 80)) == WildCardNotPermittedInExtPort);
    CHECK(error_of(a_request().remote(MalformedAddress{})) == ArgumentValueInvalid);
    CHECK(error_of(a_request().remote(at("127.0.0.1"))) == ArgumentValueInvalid);
    CHECK(error_of(a_request().too_long()) == StringArgumentTooLong);
  }

  TEST_CASE("nobody maps to a host that is not himself") {
    CHECK(error_of(a_request().client(kConsole)) == ActionNotAuthorized);
    CHECK(error_of(a_request().v1().client(kConsole)) == ConflictInMappingEntry);
  }

  TEST_CASE(
      "without secure mode a client maps to its neighbours, but not to what is no neighbour") {
    Policy policy = usual_policy();
    policy.secure_mode = false;
    const auto request = a_request().client(kConsole);
    CHECK(judge_arguments(request.head(), request.arguments(), policy, home()));
    for (const char* other :
         {"192.168.77.1", "203.0.113.1", "127.0.0.1", "192.168.77.0", "192.168.77.255",
          "255.255.255.255", "224.0.0.1", "0.0.0.0", "192.168.78.5", "8.8.8.8"}) {
      CAPTURE(other);
      CHECK(error_of(a_request().client(at(other)), policy) == ActionNotAuthorized);
    }
  }

  TEST_CASE("a caller that is not on the LAN it came by gets nothing") {
    CHECK(error_of(a_request().from(at("203.0.113.9"))) == ActionNotAuthorized);
    CHECK(error_of(a_request().lan(1)) == ActionNotAuthorized);
    CHECK(error_of(a_request().lan(9)) == ActionNotAuthorized);
  }

  TEST_CASE(
      "an address belongs to the LAN with its longest prefix, and to none when two are alike") {
    Surroundings two = home();
    const Ipv4Address host = at("192.168.78.30");
    two.lans[0].networks.push_back(*Ipv4Network::parse("192.168.0.0/16"));
    CHECK(lan_of_host(host, two) == 1);
    CHECK(lan_of_host(at("192.168.90.2"), two) == 0);
    CHECK(lan_of_host(at("192.168.78.255"), two) == 0);
    CHECK_FALSE(lan_of_host(at("10.0.0.1"), two));
    two.lans[0].networks.push_back(*Ipv4Network::parse("192.168.78.1/24"));
    CHECK_FALSE(lan_of_host(host, two));
    CHECK(lan_of_host(kPc, two) == 0);
  }

  TEST_CASE("a client is stranded when each LAN has networks and none of them is its own") {
    Surroundings now = home();
    CHECK_FALSE(is_stranded(kPc, now));
    now.lans[0].networks.clear();  // it has no address
    CHECK_FALSE(is_stranded(kPc, now));
    now.lans[0].networks = {*Ipv4Network::parse("192.168.79.1/24")};
    CHECK(is_stranded(kPc, now));
    SUBCASE("a network that the owner has named is the LAN's") {
      now.lans[0].networks.push_back(*Ipv4Network::parse("192.168.77.0/24"));
      CHECK_FALSE(is_stranded(kPc, now));
    }
    SUBCASE("it is another LAN's now, or two LANs' alike") {
      now.lans[1].networks.push_back(*Ipv4Network::parse("192.168.77.1/24"));
      CHECK_FALSE(is_stranded(kPc, now));
      now.lans[0].networks.push_back(*Ipv4Network::parse("192.168.77.1/24"));
      CHECK_FALSE(is_stranded(kPc, now));
    }
    SUBCASE("it may be on another LAN that is not there yet") {
      now.lans[1].networks.clear();
      CHECK_FALSE(is_stranded(kPc, now));
    }
  }

  TEST_CASE("the most specific error wins") {
    CHECK(error_of(a_request().no_protocol().client(MalformedAddress{}).tcp(0, 0).no_protocol()) ==
          ArgumentValueOutOfRange);
    CHECK(error_of(a_request().client(MalformedAddress{}).tcp(0, 0)) == ArgumentValueInvalid);
    CHECK(error_of(a_request().client(kConsole).tcp(0, 0)) == ActionNotAuthorized);
    CHECK(error_of(a_request().tcp(0, 0)) == WildCardNotPermittedInIntPort);
    CHECK(error_of(a_request().tcp(0, 1).remote(MalformedAddress{})) ==
          WildCardNotPermittedInExtPort);
  }

  TEST_CASE("leases: each version's zero, the standard's longest, and the owner's") {
    using namespace std::chrono_literals;
    CHECK(granted_lease(0, IgdVersion::v1, 0s).is_permanent());
    CHECK(granted_lease(0, IgdVersion::v2, 0s).seconds() == 604800s);
    CHECK(granted_lease(1, IgdVersion::v2, 0s).seconds() == 1s);
    CHECK(granted_lease(604801, IgdVersion::v2, 0s).seconds() == 604800s);
    CHECK(granted_lease(604801, IgdVersion::v1, 0s).seconds() == 604801s);
    CHECK(granted_lease(0, IgdVersion::v1, 3600s).seconds() == 3600s);
    CHECK(granted_lease(7200, IgdVersion::v2, 3600s).seconds() == 3600s);
  }
}
