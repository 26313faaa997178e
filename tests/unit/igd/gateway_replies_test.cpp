// What the gateway's replies become: finish(), next_part() and rest_of().
#include <doctest/doctest.h>

#include "soap_calls.h"
#include "soap_control.h"

using namespace upnpd;
using namespace upnpd::igd;
using namespace upnpd::igd::test;
using namespace std::chrono_literals;

TEST_SUITE("gateway_replies") {
  TEST_CASE("an entry is answered in the description's order, any remote host as nothing") {
    CHECK(std::get<Protocol>(
              asked<GetSpecificPortMappingEntry>(called(by_key("GetSpecificPortMappingEntry")))
                  .protocol) == Protocol::UDP);
    CHECK(finished(called(by_key("GetSpecificPortMappingEntry")), an_entry("a <b> & \"c\"")) ==
          "NewInternalPort=80;NewInternalClient=192.168.77.10;NewEnabled=1;"
          "NewPortMappingDescription=a <b> & \"c\";NewLeaseDuration=59;");
    const auto generic =
        called(a_call("GetGenericPortMappingEntry").with("NewPortMappingIndex", "3"));
    CHECK(asked<GetGenericPortMappingEntry>(generic).index == 3);
    CHECK(finished(generic, an_entry("x")) ==
          "NewRemoteHost=;NewExternalPort=8080;NewProtocol=UDP;NewInternalPort=80;"
          "NewInternalClient=192.168.77.10;NewEnabled=1;"
          "NewPortMappingDescription=x;NewLeaseDuration=59;");
    CHECK(finished(generic, an_entry("x", *RemoteHost::parse(address("203.0.113.9"))))
              .starts_with("NewRemoteHost=203.0.113.9;"));
  }

  TEST_CASE("a list is one escaped string, in parts when it is long") {
    const auto call = std::get<PendingCall>(called(a_call("GetListOfPortMappings", kWanIp2)
                                                       .with("NewStartPort", "1")
                                                       .with("NewEndPort", "9000")
                                                       .with("NewProtocol", "UDP")
                                                       .with("NewManage", "1")
                                                       .with("NewNumberOfPorts", "3")));
    const EntryList first{1, {an_entry("a <b> & \"c\""), an_entry("d")}, false};
    const auto rest = rest_of(call, first);
    REQUIRE(rest);
    const auto& next = std::get<GetListOfPortMappings>(rest->request);
    CHECK(next.after == first.entries.back().key);
    CHECK(next.number_of_ports == 1);
    const EntryList second{2, {an_entry("e")}, true};
    CHECK_FALSE(rest_of(*rest, second));
    const std::string listing =
        values({.body = finish(call, first).body + next_part(*rest, second).value()});
    CHECK(listing.starts_with("NewPortListing=<p:PortMappingList "));
    pugi::xml_document document;
    REQUIRE(document.load_string(listing.substr(15, listing.size() - 16).c_str()));
    const auto entries = document.child("p:PortMappingList").children("p:PortMappingEntry");
    CHECK(std::distance(entries.begin(), entries.end()) == 3);
    std::string names;
    for (const auto child : entries.begin()->children())
      names += std::string(child.name()) + "=" + child.child_value() + ";";
    CHECK(names ==
          "p:NewRemoteHost=;p:NewExternalPort=8080;p:NewProtocol=UDP;p:NewInternalPort=80;"
          "p:NewInternalClient=192.168.77.10;p:NewEnabled=1;p:NewDescription=a <b> & \"c\";"
          "p:NewLeaseTime=59;");
    CHECK_FALSE(next_part(*rest, Refused{2, UpnpError::ActionFailed}));
    CHECK(error_code(finish(call, Refused{1, UpnpError::PortMappingNotFound})) == 730);
  }

  TEST_CASE("totals are the low 32 bits of their own counter") {
    const auto* common = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
    const LinkTotals totals{1, (1ULL << 32) + 5, 6, 7, 8};
    const auto total = [&](const char* action) {
      return finished(called(a_call(action, common), "WANCommonIFC1"), totals);
    };
    CHECK(total("GetTotalBytesSent") == "NewTotalBytesSent=5;");
    CHECK(total("GetTotalBytesReceived") == "NewTotalBytesReceived=6;");
    CHECK(total("GetTotalPacketsSent") == "NewTotalPacketsSent=7;");
    CHECK(total("GetTotalPacketsReceived") == "NewTotalPacketsReceived=8;");
  }

  TEST_CASE("a refusal is a fault, and so is a reply of the wrong kind") {
    const auto call = called(by_key("DeletePortMapping"));
    CHECK(asked<DeletePortMapping>(call).external_port == 8080);
    CHECK(error_code(finish(std::get<PendingCall>(call),
                            Refused{1, UpnpError::NoSuchEntryInArray})) == 714);
    CHECK(error_code(finish(std::get<PendingCall>(called(by_key("GetSpecificPortMappingEntry"))),
                            Done{1})) == 501);
  }
}
