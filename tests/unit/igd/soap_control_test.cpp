#include "soap_control.h"

#include <doctest/doctest.h>

#include "arguments.h"
#include "soap_calls.h"

using namespace upnpd;
using namespace upnpd::igd;
using namespace upnpd::igd::test;
using namespace std::chrono_literals;

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
