#include "arguments.h"

#include <doctest/doctest.h>

#include "soap_builder.h"

using namespace upnpd;
using namespace upnpd::igd;
using upnpd::test::a_call;

namespace {

const ScpdAction& action(std::string_view name) {
  return *scpd_of("WANIPConn1")->find_action(name);
}

std::expected<Arguments, UpnpError> checked(const test::SoapBuilder& call, std::string_view name) {
  const auto request = parse_soap_request(call.body());
  REQUIRE(request);
  return Arguments::check(action(name), *request);
}

// GetGenericPortMappingEntry has one ui2.
std::expected<std::uint16_t, UpnpError> index_of(std::string_view text) {
  const auto arguments =
      checked(a_call("GetGenericPortMappingEntry").with("NewPortMappingIndex", text),
              "GetGenericPortMappingEntry");
  if (!arguments) return std::unexpected(arguments.error());
  return arguments->ui2("NewPortMappingIndex");
}

test::SoapBuilder shortest_add() {
  return a_call("AddPortMapping")
      .with("NewExternalPort", "1")
      .with("NewProtocol", "TCP")
      .with("NewInternalPort", "2")
      .with("NewInternalClient", "");
}

}  // namespace

TEST_SUITE("arguments") {
  TEST_CASE("a ui2 is 0 to 65535: more is out of range, no number is invalid") {
    CHECK(index_of("0") == 0);
    CHECK(index_of("65535") == 65535);
    CHECK(index_of("00080") == 80);
    CHECK(index_of("+80") == 80);
    CHECK(index_of(" 80 ") == 80);
    for (const char* text : {"65536", "-1", "99999999999999999999999999"})
      CHECK(index_of(text) == std::unexpected(UpnpError::ArgumentValueOutOfRange));
    for (const char* text : {"", "-", "+", "x", "8080x", "0x50", "80.0", "8 0", "1e3"})
      CHECK(index_of(text) == std::unexpected(UpnpError::InvalidArgs));
  }

  TEST_CASE("a ui4 ends at 2^32 - 1") {
    const auto lease = [](std::string_view text) {
      return checked(shortest_add().with("NewLeaseDuration", text), "AddPortMapping");
    };
    CHECK(lease("4294967295")->ui4("NewLeaseDuration") == 4294967295u);
    CHECK(lease("4294967296").error() == UpnpError::ArgumentValueOutOfRange);
    CHECK(lease("forever").error() == UpnpError::InvalidArgs);
    CHECK(lease("")->ui4("NewLeaseDuration") == 0);
  }

  TEST_CASE("a boolean is 0, 1, true, false, yes or no in any case") {
    const auto enabled = [](std::string_view text) {
      return checked(shortest_add().with("NewEnabled", text), "AddPortMapping");
    };
    for (const char* text : {"1", "true", "True", "YES", ""})
      CHECK(enabled(text)->boolean("NewEnabled"));
    for (const char* text : {"0", "false", "FALSE", "no"})
      CHECK_FALSE(enabled(text)->boolean("NewEnabled"));
    for (const char* text : {"2", "on", "truth", "-1"})
      CHECK(enabled(text).error() == UpnpError::InvalidArgs);
  }

  TEST_CASE("four arguments may be missing, no other may") {
    const auto arguments = checked(shortest_add(), "AddPortMapping");
    REQUIRE(arguments);
    CHECK(arguments->text("NewRemoteHost") == "");
    CHECK(arguments->boolean("NewEnabled"));
    CHECK(arguments->text("NewPortMappingDescription") == "");
    CHECK(arguments->ui4("NewLeaseDuration") == 0);

    CHECK(checked(a_call("AddPortMapping")
                      .with("NewExternalPort", "1")
                      .with("NewInternalPort", "2")
                      .with("NewInternalClient", ""),
                  "AddPortMapping")
              .error() == UpnpError::InvalidArgs);
    CHECK(checked(a_call("GetSpecificPortMappingEntry").with("NewProtocol", "TCP"),
                  "GetSpecificPortMappingEntry")
              .error() == UpnpError::InvalidArgs);
    CHECK(checked(a_call("GetGenericPortMappingEntry"), "GetGenericPortMappingEntry").error() ==
          UpnpError::InvalidArgs);
  }

  TEST_CASE("arguments the action does not have are ignored") {
    CHECK(checked(shortest_add().with("NewFoo", "bar"), "AddPortMapping"));
    CHECK(checked(a_call("GetExternalIPAddress").with("NewFoo", "bar"), "GetExternalIPAddress"));
  }

  TEST_CASE("any remote host has many spellings") {
    for (const char* text : {"", "*", "0", "0.0.0.0", "(null)"})
      CHECK(std::holds_alternative<NoAddress>(parse_remote_host(text)));
    CHECK(std::get<Ipv4Address>(parse_remote_host("203.0.113.9")).to_string() == "203.0.113.9");
    for (const char* text : {"example.org", "localhost", "1.2.3", "::1", "any"})
      CHECK(std::holds_alternative<MalformedAddress>(parse_remote_host(text)));
  }

  TEST_CASE("an internal client is a literal, or empty") {
    CHECK(std::holds_alternative<NoAddress>(parse_internal_client("")));
    CHECK(std::get<Ipv4Address>(parse_internal_client("0.0.0.0")).is_unspecified());
    for (const char* text : {"*", "(null)", "my-pc.lan"})
      CHECK(std::holds_alternative<MalformedAddress>(parse_internal_client(text)));
  }
}
