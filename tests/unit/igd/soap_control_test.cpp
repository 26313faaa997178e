#include "soap_control.h"

#include <doctest/doctest.h>

#include <pugixml.hpp>

#include "arguments.h"
#include "soap_builder.h"

using namespace upnpd;
using namespace upnpd::igd;
using namespace std::chrono_literals;
using upnpd::test::a_call;
using upnpd::test::an_add_port_mapping;
using upnpd::test::kWanIp1;
using upnpd::test::kWanIp2;

namespace {

using Outcome = std::variant<HttpAnswer, PendingCall>;

Ipv4Address address(const char* text) {
  return *Ipv4Address::parse(text);
}

const DeviceIdentity kIdentity{.uuid = "6e9b0d1e-0000-4000-8000-000000000000"};

StateView connected() {
  return {.identity = kIdentity,
          .wan = {.lan = 1,
                  .status = ConnectionStatus::Connected,
                  .external_address = address("203.0.113.7"),
                  .connected_since = BootTime(100s),
                  .upstream_bit_rate = 50'000'000,
                  .downstream_bit_rate = 1'000'000'000,
                  .link_up = true,
                  .inbound_pinhole_allowed = true},
          .evented = StateVariables{.port_mapping_number_of_entries = 3, .system_update_id = 7},
          .igd_version = 2,
          .now = BootTime(160s)};
}

StateView disconnected() {
  StateView state = connected();
  state.wan.status = ConnectionStatus::Disconnected;
  state.wan.external_address.reset();
  state.wan.link_up = false;
  return state;
}

Outcome called(const test::SoapBuilder& call, std::string_view service_id = "WANIPConn1",
               StateView state = connected()) {
  const std::string body = call.body();
  return control({.route = {state.igd_version, service_id},
                  .soap_action = *parse_soap_action(call.soap_action()),
                  .body = body,
                  .caller = address("192.168.77.10"),
                  .lan = 1,
                  .state = state});
}

int error_code(const HttpAnswer& answer) {
  pugi::xml_document document;
  REQUIRE(document.load_string(answer.body.c_str()));
  CHECK(answer.status == HttpStatus::InternalServerError);
  return document.child("s:Envelope")
      .child("s:Body")
      .child("s:Fault")
      .child("detail")
      .child("UPnPError")
      .child("errorCode")
      .text()
      .as_int();
}
int error_code(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<HttpAnswer>(outcome));
  return error_code(std::get<HttpAnswer>(outcome));
}

// The reply's out-arguments as "Name=value;" in their order.
std::string values(const HttpAnswer& answer) {
  pugi::xml_document document;
  REQUIRE(document.load_string(answer.body.c_str()));
  CHECK(answer.status == HttpStatus::Ok);
  std::string result;
  for (const auto child : document.child("s:Envelope").child("s:Body").first_child().children())
    result += std::string(child.name()) + "=" + child.child_value() + ";";
  return result;
}
std::string values(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<HttpAnswer>(outcome));
  return values(std::get<HttpAnswer>(outcome));
}

template <class Request>
Request asked(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<PendingCall>(outcome));
  const auto* request = std::get_if<Request>(&std::get<PendingCall>(outcome).request);
  REQUIRE(request != nullptr);
  return *request;
}

std::string finished(const Outcome& outcome, const Reply& reply) {
  return values(finish(std::get<PendingCall>(outcome), reply));
}

test::SoapBuilder by_key(std::string action) {
  return a_call(std::move(action))
      .with("NewRemoteHost", "")
      .with("NewExternalPort", "8080")
      .with("NewProtocol", "udp");
}

Entry an_entry(std::string_view description, RemoteHost remote_host = RemoteHost::any()) {
  return {.id = 1,
          .key = {remote_host, *ExternalPort::parse(8080), Protocol::UDP},
          .client = *InternalClient::parse(address("192.168.77.10")),
          .internal_port = *InternalPort::parse(80),
          .enabled = true,
          .description = *PortMappingDescription::parse(description),
          .lease_duration = 59};
}

}  // namespace

TEST_SUITE("soap_control") {
  TEST_CASE("the firewall's actions are asked of the gateway, arguments in any order") {
    const std::string urn = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1";
    const auto call = [&](std::string action) { return a_call(std::move(action), urn); };
    CHECK(values(called(call("GetFirewallStatus"), "WANIPv6Firewall1")) ==
          "FirewallEnabled=1;InboundPinholeAllowed=1;");
    const auto outcome = called(call("AddPinhole")
                                    .with("LeaseTime", "3600")
                                    .with("Protocol", "17")
                                    .with("InternalPort", "4000")
                                    .with("InternalClient", "2001:db8:77::10")
                                    .with("RemotePort", "0")
                                    .with("RemoteHost", ""),
                                "WANIPv6Firewall1");
    const auto add = asked<AddPinhole>(outcome);
    CHECK(std::holds_alternative<NoAddress>(add.arguments.remote_host));
    CHECK(std::get<Ipv6Address>(add.arguments.internal_client).to_string() == "2001:db8:77::10");
    CHECK(add.arguments.protocol == 17);
    CHECK(add.arguments.lease_time == 3600);
    CHECK(finished(outcome, PinholeAdded{1, *UniqueId::parse(7)}) == "UniqueID=7;");
    CHECK(error_code(finish(std::get<PendingCall>(outcome),
                            Refused{1, UpnpError::ProtocolNotSupported})) == 705);
    const auto check =
        called(call("CheckPinholeWorking").with("UniqueID", "7"), "WANIPv6Firewall1");
    CHECK(asked<CheckPinholeWorking>(check).unique_id == 7);
    CHECK(finished(check, PinholeWorks{1}) == "IsWorking=1;");
    const auto packets =
        called(call("GetPinholePackets").with("UniqueID", "7"), "WANIPv6Firewall1");
    CHECK(finished(packets, PinholePackets{1, 99}) == "PinholePackets=99;");
    CHECK(error_code(called(call("AddPinhole").with("Protocol", "17"), "WANIPv6Firewall1")) == 402);
    CHECK(error_code(called(call("AddPinhole"), "WANIPConn1")) == 401);
    for (const char* any : {"", "*", "::", "(null)"})
      CHECK(std::holds_alternative<NoAddress>(parse_pinhole_host(any)));
    for (const char* malformed : {"pc.lan", "192.168.77.10", "fe80::1%eth0", "[2001:db8::1]"})
      CHECK(std::holds_alternative<MalformedAddress>(parse_pinhole_host(malformed)));
  }

  TEST_CASE("the state of the WAN is answered at once") {
    CHECK(values(called(a_call("GetExternalIPAddress"))) == "NewExternalIPAddress=203.0.113.7;");
    CHECK(values(called(a_call("GetStatusInfo"))) ==
          "NewConnectionStatus=Connected;NewLastConnectionError=ERROR_NONE;NewUptime=60;");
    CHECK(values(called(a_call("GetNATRSIPStatus"))) == "NewRSIPAvailable=0;NewNATEnabled=1;");
    CHECK(values(called(a_call("GetConnectionTypeInfo"))) ==
          "NewConnectionType=IP_Routed;NewPossibleConnectionTypes=IP_Routed;");
    CHECK(values(called(a_call("RequestConnection"))) == "");
    const auto* common = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1";
    CHECK(values(called(a_call("GetCommonLinkProperties", common), "WANCommonIFC1")) ==
          "NewWANAccessType=Ethernet;NewLayer1UpstreamMaxBitRate=50000000;"
          "NewLayer1DownstreamMaxBitRate=1000000000;NewPhysicalLinkStatus=Up;");
  }

  TEST_CASE("without a WAN there is no address, no uptime and no connection to be had") {
    CHECK(values(called(a_call("GetExternalIPAddress"), "WANIPConn1", disconnected())) ==
          "NewExternalIPAddress=;");
    CHECK(values(called(a_call("GetStatusInfo"), "WANIPConn1", disconnected())) ==
          "NewConnectionStatus=Disconnected;NewLastConnectionError=ERROR_NONE;NewUptime=0;");
    CHECK(error_code(called(a_call("RequestConnection"), "WANIPConn1", disconnected())) == 704);
  }

  TEST_CASE("the default connection service is the one of the description asked by") {
    const auto* forwarding = "urn:schemas-upnp-org:service:Layer3Forwarding:1";
    CHECK(values(called(a_call("GetDefaultConnectionService", forwarding), "L3Forwarding1")) ==
          "NewDefaultConnectionService=uuid:6e9b0d1e-0000-4000-8000-000000000002:"
          "WANConnectionDevice:2,urn:upnp-org:serviceId:WANIPConn1;");
    StateView first = connected();
    first.igd_version = 1;
    CHECK(values(called(a_call("GetDefaultConnectionService", forwarding), "L3Forwarding1", first))
              .find(":WANConnectionDevice:1,") != std::string::npos);
  }

  TEST_CASE("the default connection stays what it is, and each other one has its error") {
    const auto choose = [](const std::string& chosen) {
      return called(
          a_call("SetDefaultConnectionService", "urn:schemas-upnp-org:service:Layer3Forwarding:1")
              .with("NewDefaultConnectionService", chosen),
          "L3Forwarding1");
    };
    const std::string uuid = "uuid:6e9b0d1e-0000-4000-8000-000000000002";
    const std::string id = "urn:upnp-org:serviceId:";
    for (const char* version : {"1", "2"})
      CHECK(values(choose(uuid + ":WANConnectionDevice:" + version + "," + id + "WANIPConn1")) ==
            "");
    for (const std::string& device :
         {uuid + ":WANConnectionDevice:3", uuid + ":WANDevice:1", uuid, std::string(),
          std::string("uuid:6e9b0d1e-0000-4000-8000-000000000000:WANConnectionDevice:1")})
      CHECK(error_code(choose(device + "," + id + "WANIPConn1")) == 720);
    for (const std::string& service : {"," + id + "WANPPPConn1", "," + id + "WANCommonIFC1",
                                       std::string(",WANIPConn1"), std::string(","), std::string()})
      CHECK(error_code(choose(uuid + ":WANConnectionDevice:1" + service)) == 721);
    CHECK(error_code(choose(uuid + ":WANConnectionDevice:2," + id + "WANIPv6Firewall1")) == 723);
  }

  TEST_CASE("the LAN may not change the connection") {
    CHECK(error_code(called(a_call("ForceTermination"))) == 606);
    CHECK(error_code(called(a_call("RequestTermination"))) == 606);
    CHECK(values(called(a_call("SetConnectionType").with("NewConnectionType", "IP_Routed"))) == "");
    CHECK(error_code(called(a_call("SetConnectionType").with("NewConnectionType", "IP_Bridged"))) ==
          731);
    CHECK(error_code(called(a_call("SetConnectionType"))) == 402);
  }

  TEST_CASE("AddPortMapping goes to the gateway with what the client wrote") {
    const auto request = asked<AddPortMapping>(called(an_add_port_mapping()));
    CHECK(request.head.lan == 1);
    CHECK(to_string(request.head.caller) == "192.168.77.10");
    CHECK(request.head.version == IgdVersion::v1);
    CHECK(std::holds_alternative<NoAddress>(request.arguments.remote_host));
    CHECK(request.arguments.external_port == 8080);
    CHECK(std::get<Protocol>(request.arguments.protocol) == Protocol::TCP);
    CHECK(request.arguments.internal_port == 80);
    CHECK(std::get<Ipv4Address>(request.arguments.internal_client) == address("192.168.77.10"));
    CHECK(request.arguments.enabled);
    CHECK(request.arguments.description->text() == "a game");
    CHECK(request.arguments.lease_duration == 3600);
    CHECK(finished(called(an_add_port_mapping()), Done{1}) == "");
  }

  TEST_CASE(
      "what only policy can judge is passed on: port 0, a host name, another protocol, a long "
      "description") {
    const auto request = asked<AddPortMapping>(
        called(a_call("AddPortMapping")
                   .with("NewRemoteHost", "example.org")
                   .with("NewExternalPort", "0")
                   .with("NewProtocol", "")
                   .with("NewInternalPort", "0")
                   .with("NewInternalClient", "pc.lan")
                   .with("NewPortMappingDescription", std::string(1025, 'x'))));
    CHECK(std::holds_alternative<MalformedAddress>(request.arguments.remote_host));
    CHECK(std::holds_alternative<MalformedAddress>(request.arguments.internal_client));
    CHECK(request.arguments.external_port == 0);
    CHECK(request.arguments.internal_port == 0);
    CHECK(std::holds_alternative<NoProtocol>(request.arguments.protocol));
    CHECK_FALSE(request.arguments.description);
  }

  TEST_CASE("the version spoken is the URN's, whichever URL was asked") {
    CHECK(asked<AddPortMapping>(called(an_add_port_mapping(kWanIp2))).head.version ==
          IgdVersion::v2);
    CHECK(asked<AddAnyPortMapping>(called(an_add_port_mapping(kWanIp1, "AddAnyPortMapping")))
              .head.version == IgdVersion::v1);
    const auto ppp = called(an_add_port_mapping("urn:schemas-upnp-org:service:WANPPPConnection:1"));
    CHECK(asked<AddPortMapping>(ppp).head.version == IgdVersion::v1);
    CHECK(finish(std::get<PendingCall>(ppp), Done{1})
              .body.find("<u:AddPortMappingResponse "
                         "xmlns:u=\"urn:schemas-upnp-org:service:WANPPPConnection:1\">") !=
          std::string::npos);
  }

  TEST_CASE("AddAnyPortMapping answers the port that was reserved") {
    CHECK(finished(called(an_add_port_mapping(kWanIp2, "AddAnyPortMapping")),
                   Reserved{1, *ExternalPort::parse(8081)}) == "NewReservedPort=8081;");
  }

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

  TEST_CASE("an unknown action, service or version is InvalidAction") {
    CHECK(error_code(called(a_call("MakeCoffee"))) == 401);
    CHECK(error_code(called(a_call("GetExternalIPAddress",
                                   "urn:schemas-upnp-org:service:WANIPConnection:3"))) == 401);
    CHECK(error_code(called(a_call("GetExternalIPAddress"), "WANCommonIFC1")) == 401);
    CHECK(error_code(called(a_call("GetCommonLinkProperties"))) == 401);
  }

  TEST_CASE("the body's action is the header's, or neither is carried out") {
    const std::string body = an_add_port_mapping().body();
    const auto outcome = control({.route = {1, "WANIPConn1"},
                                  .soap_action = {std::string(kWanIp1), "GetExternalIPAddress"},
                                  .body = body,
                                  .caller = address("192.168.77.10"),
                                  .lan = 1,
                                  .state = connected()});
    CHECK(error_code(outcome) == 401);
  }

  TEST_CASE("a malformed body is a bad request, one without an action an invalid action") {
    const auto with_body = [](std::string_view body) {
      return std::get<HttpAnswer>(control({.route = {1, "WANIPConn1"},
                                           .soap_action = {std::string(kWanIp1), "A"},
                                           .body = body,
                                           .caller = address("192.168.77.10"),
                                           .lan = 1,
                                           .state = connected()}));
    };
    CHECK(with_body("").status == HttpStatus::BadRequest);
    CHECK(
        with_body("<!DOCTYPE a [<!ENTITY b 'c'>]><Envelope><Body><A/></Body></Envelope>").status ==
        HttpStatus::BadRequest);
    CHECK(error_code(with_body("<Envelope><Body/></Envelope>")) == 401);
    CHECK(error_code(with_body("<Envelope><Body><A><B/><B/></A></Body></Envelope>")) == 402);
  }

  TEST_CASE("QueryStateVariable answers what is known at once") {
    const auto query = [](std::string_view name) {
      return called(a_call("QueryStateVariable", "urn:schemas-upnp-org:control-1-0")
                        .with_raw("<u:varName>" + std::string(name) + "</u:varName>"));
    };
    CHECK(values(query("ExternalIPAddress")) == "return=203.0.113.7;");
    CHECK(values(query("ConnectionStatus")) == "return=Connected;");
    CHECK(values(query("SystemUpdateID")) == "return=7;");
    CHECK(values(query("PortMappingNumberOfEntries")) == "return=3;");
    CHECK(error_code(query("PortMappingDescription")) == 404);
    CHECK(error_code(query("")) == 404);
    CHECK(error_code(called(a_call("QueryStateVariable", "urn:schemas-upnp-org:control-1-0"))) ==
          402);
  }
}
