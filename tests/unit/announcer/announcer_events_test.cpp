#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "announced.h"

using namespace upnpd;
using namespace upnpd::test;

TEST_SUITE_BEGIN("announcer and its subscribers");

TEST_CASE("a subscriber's first event has every variable, the next only what changed") {
  for (const int version : {1, 2}) {
    CAPTURE(version);
    Announced it;
    const std::string answer =
        it.subscribe(event_path(version, "WANIPConn1"), "<http://192.168.77.20:7000/cb>");
    REQUIRE(answer.starts_with("HTTP/1.1 200"));
    CHECK(header(answer, "TIMEOUT") == "Second-1800");
    const std::string first = it.event();
    CHECK(header(first, "SEQ") == "0");
    CHECK(header(first, "SID") == header(answer, "SID"));
    CHECK(properties(first) == (version == 1 ? 4 : 5));
    CHECK(carries(first, "PossibleConnectionTypes", "IP_Routed"));
    CHECK(carries(first, "ConnectionStatus", "Connected"));
    CHECK(carries(first, "ExternalIPAddress", "203.0.113.1"));
    CHECK(carries(first, "PortMappingNumberOfEntries", "3"));
    CHECK(carries(first, "SystemUpdateID", "7") == (version == 2));

    StateVariables changed = connected();
    changed.external_address = Ipv4Address::parse("203.0.113.77");
    it.announcer.send(changed);
    const std::string second = it.event();
    CHECK(header(second, "SEQ") == "1");
    CHECK(properties(second) == 1);
    CHECK(carries(second, "ExternalIPAddress", "203.0.113.77"));
  }
}

TEST_CASE("the other two services are evented too") {
  Announced it;
  REQUIRE(it.subscribe(event_path(1, "WANCommonIFC1"), "<http://192.168.77.20:7000/>")
              .starts_with("HTTP/1.1 200"));
  CHECK(carries(it.event(), "PhysicalLinkStatus", "Up"));
  REQUIRE(it.subscribe(event_path(2, "L3Forwarding1"), "<http://192.168.77.20:7000/>")
              .starts_with("HTTP/1.1 200"));
  CHECK(carries(it.event(), "DefaultConnectionService",
                "uuid:" + device_uuid(kUuid, DeviceLevel::WanConnectionDevice) +
                    ":WANConnectionDevice:2,urn:upnp-org:serviceId:WANIPConn1"));
}

TEST_CASE("hundreds of mappings a second are few events, the last value among them") {
  Announced it;
  REQUIRE(it.subscribe(event_path(2, "WANIPConn1"), "<http://192.168.77.20:7000/>")
              .starts_with("HTTP/1.1 200"));
  it.event();
  const auto start = Clock::now();
  for (std::uint16_t i = 1; i <= 500; ++i) {
    StateVariables state = connected();
    state.port_mapping_number_of_entries = i;
    state.system_update_id = 1000u + i;
    it.announcer.send(state);
    std::this_thread::sleep_for(milliseconds(1));
  }
  // Of a busy machine the sending may take seconds.
  const auto moments = static_cast<std::size_t>((Clock::now() - start) / milliseconds(200));
  std::vector<std::string> events;
  for (std::string next; (next = it.event(milliseconds(500))) != "no event";)
    events.push_back(next);
  REQUIRE_FALSE(events.empty());
  CHECK(events.size() <= moments + 4);
  CHECK(carries(events.back(), "PortMappingNumberOfEntries", "500"));
  CHECK(carries(events.back(), "SystemUpdateID", "1500"));
}

TEST_CASE("a callback that is not the subscriber's own address is refused and causes no packet") {
  Announced it;
  const base::Fd other =
      it.home.in(Place::Host, [] { return tcp_listener("192.168.77.21", 7000); });
  const std::string path = event_path(1, "WANIPConn1");
  for (const char* callback :
       {"<http://203.0.113.2:80/>", "<http://192.168.77.21:7000/>", "<http://127.0.0.1:5555/>",
        "<http://[::1]:80/>", "<http://3405803778/>", "<http://0/>"}) {
    CAPTURE(callback);
    CHECK(it.subscribe(path, callback).starts_with("HTTP/1.1 412"));
  }
  // The router is let through as a name, and refused as a destination.
  it.subscribe(path, "<http://192.168.77.1:5555/>");
  // Of several URLs only the subscriber's own is used.
  CHECK(it.subscribe(path, "<http://203.0.113.2:80/><http://192.168.77.20:7000/>")
            .starts_with("HTTP/1.1"));
  CHECK_FALSE(accepted(other.get(), milliseconds(500)));
  CHECK(packets(it.wan_packets.get()) == 0);
  CHECK(it.still_answers_ping());
}

TEST_CASE("a host name as callback is refused at once") {
  Announced it;
  const auto start = Clock::now();
  CHECK(it.subscribe(event_path(1, "WANIPConn1"), "<http://host.example/>")
            .starts_with("HTTP/1.1 412"));
  CHECK(Clock::now() - start < milliseconds(1000));
  CHECK(packets(it.wan_packets.get()) == 0);
}

TEST_CASE("the event port takes neither control nor GET, and serves nobody on the WAN") {
  Announced it;
  const std::string body =
      "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>"
      "<u:GetExternalIPAddress xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"/>"
      "</s:Body></s:Envelope>";
  const std::string host = "HOST: 192.168.77.1:" + std::to_string(it.event_port) + "\r\n";
  const std::string control =
      "POST /control/WANIPConn1 HTTP/1.1\r\n" + host +
      "SOAPACTION: \"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\"\r\n"
      "CONTENT-TYPE: text/xml\r\nCONTENT-LENGTH: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  const auto from_lan = [&](const std::string& request) {
    return it.home.in(Place::Host,
                      [&] { return ask("192.168.77.20", "192.168.77.1", it.event_port, request); });
  };
  CHECK(from_lan(control).starts_with("HTTP/1.1 500"));
  CHECK_FALSE(from_lan("GET /etc/passwd HTTP/1.1\r\n" + host + "\r\n").starts_with("HTTP/1.1 200"));
  for (const char* address : {"203.0.113.1", "192.168.77.1"}) {
    const std::string answer = it.home.in(Place::Internet, [&] {
      (void)!std::system("ip route replace 192.168.77.0/24 via 203.0.113.1");
      return ask("203.0.113.2", address, it.event_port, "GET / HTTP/1.1\r\n\r\n",
                 milliseconds(300));
    });
    CHECK(answer == "no connection");
  }
}

TEST_CASE("a host that holds connections open delays another's subscription by 3 s at most") {
  Announced it;
  std::vector<base::Fd> held;
  it.home.in(Place::Host, [&] {
    for (int i = 0; i < 40; ++i)
      held.push_back(begun_connection("192.168.77.21", "192.168.77.1", it.event_port));
    return 0;
  });
  CHECK(it.subscribe(event_path(1, "WANIPConn1"), "<http://192.168.77.20:7000/>")
            .starts_with("HTTP/1.1 200"));
  CHECK(properties(it.event()) == 4);
}

TEST_CASE("a request without end is cut off") {
  Announced it;
  const std::string endless = "<http://192.168.77.20:7000/" + std::string(1 << 20, 'x') + ">";
  CHECK_FALSE(it.subscribe(event_path(1, "WANIPConn1"), endless).starts_with("HTTP/1.1 200"));
  CHECK(it.subscribe(event_path(1, "WANIPConn1"), "<http://192.168.77.20:7000/>")
            .starts_with("HTTP/1.1 200"));
  CHECK(properties(it.event()) == 4);
}

TEST_CASE(
    "callbacks that take a connection and say nothing do not keep events from a good subscriber "
    "for long") {
  Announced it;
  const base::Fd silent =
      it.home.in(Place::Host, [] { return tcp_listener("192.168.77.21", 7001); });
  for (int i = 0; i < 20; ++i)
    it.subscribe(event_path(1, "WANIPConn1"), "<http://192.168.77.21:7001/>", "192.168.77.21");
  const auto start = Clock::now();
  REQUIRE(it.subscribe(event_path(1, "WANIPConn1"), "<http://192.168.77.20:7000/>")
              .starts_with("HTTP/1.1 200"));
  CHECK(properties(it.event(milliseconds(9000))) == 4);
  CHECK(Clock::now() - start < milliseconds(8000));
}

TEST_SUITE_END();
