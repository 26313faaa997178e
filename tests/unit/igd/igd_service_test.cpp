#include "igd_service.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "running_service.h"
#include "soap_builder.h"

using namespace upnpd;
using namespace std::chrono_literals;
using test::a_call;
using test::an_add_port_mapping;
using test::HttpClient;
using test::RunningService;

namespace {

int status_of(std::string_view response) {
  return response.size() < 12 ? 0 : std::atoi(std::string(response.substr(9, 3)).c_str());
}

bool has(std::string_view response, std::string_view text) {
  return response.find(text) != std::string_view::npos;
}

std::string add_request(const RunningService& service) {
  const auto call = an_add_port_mapping();
  return service.post(call.soap_action(), call.body());
}

std::string state_request(const RunningService& service) {
  const auto call = a_call("GetExternalIPAddress");
  return service.post(call.soap_action(), call.body());
}

template <class Message>
Message expect(RunningService& service) {
  const auto message = service.next_message();
  REQUIRE(message);
  REQUIRE(std::holds_alternative<Message>(*message));
  return std::get<Message>(*message);
}

// The request in chunks of `size` bytes.
std::string chunked(const RunningService& service, std::string_view soap_action,
                    std::string_view body, std::size_t size) {
  std::string request = "POST /t0ken/control/igd1/WANIPConn1 HTTP/1.1\r\nHost: " + service.host() +
                        "\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\nsoapaction: " +
                        std::string(soap_action) + "\r\n\r\n";
  for (; !body.empty(); body.remove_prefix(std::min(size, body.size()))) {
    const std::string_view part = body.substr(0, size);
    std::array<char, 16> length{};
    std::snprintf(length.data(), length.size(), "%zx\r\n", part.size());
    request += length.data() + std::string(part) + "\r\n";
  }
  return request + "0\r\n\r\n";
}

}  // namespace

TEST_SUITE("igd_service") {
  TEST_CASE("the description is fetched, with the headers UPnP asks for and no others") {
    RunningService service;
    const std::string response = service.ask(service.get("/t0ken/igd2.xml"));
    CHECK(status_of(response) == 200);
    CHECK(has(response, "\r\nContent-Type: text/xml; charset=\"utf-8\"\r\n"));
    CHECK(has(response, "\r\nServer: Linux UPnP/1.1 upnpd/"));
    CHECK(has(response, "\r\nEXT:"));
    CHECK(has(response, "\r\nDate: "));
    CHECK_FALSE(has(response, "Access-Control"));
    CHECK(has(response, "<eventSubURL>http://127.0.0.1:49152/event/igd2/WANIPConn1</eventSubURL>"));
    CHECK(has(service.ask(service.get("/t0ken/igd2.xml", "User-Agent: FDSSDP\r\n")),
              "InternetGatewayDevice:1"));
    CHECK(has(service.ask(service.get("/t0ken/WANIPConnection2.xml")),
              "<name>AddAnyPortMapping</name>"));
    const std::string refused =
        service.ask("POST /t0ken/igd1.xml HTTP/1.1\r\nHost: " + service.host() +
                    "\r\nContent-Length: 0\r\n\r\n");
    CHECK(status_of(refused) == 405);
    CHECK(has(refused, "\r\nAllow: GET, HEAD\r\n"));
    CHECK(service.end() == 0);
  }

  TEST_CASE("AddPortMapping asks the gateway, and its answer is the client's") {
    RunningService service;
    HttpClient client(service.port());
    client.send(add_request(service));
    const auto request = expect<AddPortMapping>(service);
    CHECK(to_string(request.head.caller) == "127.0.0.1");
    CHECK(request.arguments.external_port == 8080);
    CHECK(client.receive(100ms).empty());
    service.tell(Done{request.head.id});
    const std::string response = client.receive();
    CHECK(status_of(response) == 200);
    CHECK(has(
        response,
        "<u:AddPortMappingResponse xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"));

    client.send(add_request(service));
    const auto second = expect<AddPortMapping>(service);
    CHECK(second.head.id != request.head.id);
    service.tell(Refused{second.head.id, UpnpError::ConflictInMappingEntry});
    const std::string fault = client.receive();
    CHECK(status_of(fault) == 500);
    CHECK(has(fault, "<errorCode>718</errorCode>"));
    CHECK(service.end() == 0);
  }

  TEST_CASE("the state of the WAN is answered as it was told last") {
    RunningService service;
    CHECK(
        has(service.ask(state_request(service)), "<NewExternalIPAddress></NewExternalIPAddress>"));
    service.tell(WanState{.lan = 0,
                          .status = ConnectionStatus::Connected,
                          .external_address = Ipv4Address::parse("203.0.113.7"),
                          .connected_since = BootTime(0s),
                          .upstream_bit_rate = 1,
                          .downstream_bit_rate = 2,
                          .link_up = true});
    service.tell(Ping{7});
    CHECK(expect<Pong>(service).number == 7);
    CHECK(has(service.ask(state_request(service)),
              "<NewExternalIPAddress>203.0.113.7</NewExternalIPAddress>"));
    CHECK(service.end() == 0);
  }

  TEST_CASE("a body is read in chunks of any size") {
    RunningService service;
    const auto call = a_call("GetNATRSIPStatus");
    for (const std::size_t size : {1u, 7u, 4096u}) {
      const std::string response =
          service.ask(chunked(service, call.soap_action(), call.body(), size));
      CHECK(status_of(response) == 200);
      CHECK(has(response, "<NewNATEnabled>1</NewNATEnabled>"));
    }
    CHECK(service.end() == 0);
  }

  TEST_CASE("a body over 16 KiB is refused, told beforehand or found while it comes") {
    RunningService service;
    const std::string large(17 * 1024, 'x');
    const auto call = a_call("GetNATRSIPStatus");
    HttpClient told(service.port());
    told.send("POST /t0ken/control/igd1/WANIPConn1 HTTP/1.1\r\nHost: " + service.host() +
              "\r\nContent-Type: text/xml\r\nSOAPAction: " + call.soap_action() +
              "\r\nContent-Length: 1000000\r\n\r\n");
    CHECK(status_of(told.receive()) == 413);
    CHECK(status_of(service.ask(chunked(service, call.soap_action(), large, 1024))) == 413);

    HttpClient endless(service.port());
    const std::string chunk = "400\r\n" + std::string(1024, 'x') + "\r\n";
    std::string head = chunked(service, call.soap_action(), "", 1);
    endless.send(head.substr(0, head.size() - 5));
    std::size_t sent = 0;
    while (sent < 10'000 && endless.send(chunk))
      ++sent;
    CHECK(sent < 10'000);
    CHECK(endless.is_closed_within(3s));
    CHECK(status_of(service.ask(service.get("/t0ken/igd1.xml"))) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE("foreign names, pages and forms are refused") {
    RunningService service;
    CHECK(status_of(service.ask("GET /t0ken/igd1.xml HTTP/1.1\r\nHost: evil.example\r\n\r\n")) ==
          403);
    CHECK(status_of(service.ask(
              service.get("/t0ken/igd1.xml", "Origin: http://evil.example\r\n"))) == 403);
    CHECK(status_of(service.ask(service.get("/t0ken/igd1.xml", "Host: evil.example\r\n"))) == 403);
    CHECK(status_of(service.ask(service.get("/other/igd1.xml"))) == 404);
    CHECK(status_of(service.ask(
              "POST /t0ken/control/igd1/WANIPConn1 HTTP/1.1\r\nHost: " + service.host() +
              "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
              "3\r\n\r\na=b")) == 415);
    CHECK(service.end() == 0);
  }

  TEST_CASE("HTTP/1.0 without Host is served and the connection closed") {
    RunningService service;
    HttpClient client(service.port());
    client.send("GET /t0ken/igd1.xml HTTP/1.0\r\n\r\n");
    CHECK(status_of(client.receive()) == 200);
    CHECK(client.is_closed_within(3s));
    const auto call = a_call("GetNATRSIPStatus");
    CHECK(status_of(service.ask(
              "POST /t0ken/control/igd1/WANIPConn1 HTTP/1.0\r\nSOAPAction: " + call.soap_action() +
              "\r\nContent-Length: " + std::to_string(call.body().size()) + "\r\n\r\n" +
              call.body())) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE("requests on one connection, pipelined ones too, are answered in their order") {
    RunningService service;
    HttpClient client(service.port());
    client.send(service.get("/t0ken/igd1.xml") + state_request(service) + add_request(service) +
                service.get("/t0ken/Layer3Forwarding1.xml"));
    CHECK(has(client.receive(), "InternetGatewayDevice:1"));
    CHECK(has(client.receive(), "GetExternalIPAddressResponse"));
    service.tell(Done{expect<AddPortMapping>(service).head.id});
    CHECK(has(client.receive(), "AddPortMappingResponse"));
    CHECK(has(client.receive(), "SetDefaultConnectionService"));
    CHECK_FALSE(client.is_closed_within(300ms));
    client.send("HEAD /t0ken/igd1.xml HTTP/1.1\r\nHost: " + service.host() + "\r\n\r\n");
    CHECK(status_of(client.receive(300ms)) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE("a client that leaves while the gateway is asked does no harm") {
    RunningService service;
    for (int i = 0; i < 20; ++i) {
      HttpClient client(service.port());
      client.send(add_request(service));
      const auto request = expect<AddPortMapping>(service);
      client.close();
      service.tell(Done{request.head.id});
      service.tell(Done{request.head.id});
    }
    CHECK(status_of(service.ask(service.get("/t0ken/igd1.xml"))) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE(
      "the service ends cleanly while clients wait for the gateway, and when their LAN is left") {
    RunningService service;
    HttpClient first(service.port());
    first.send(add_request(service));
    const auto request = expect<AddPortMapping>(service);
    service.tell(LeaveLan{0, IpFamily::V4});
    CHECK(first.is_closed_within(3s));
    service.tell(Done{request.head.id});
    service.serve(1);
    HttpClient second(service.port());
    second.send(add_request(service));
    expect<AddPortMapping>(service);
    CHECK(service.end() == 0);
  }

  TEST_CASE("served anew, the LAN has the new event port, and who waited is still answered") {
    RunningService service;
    HttpClient client(service.port());
    client.send(add_request(service));
    const auto request = expect<AddPortMapping>(service);
    CHECK(service.serve(50000) == 50000);
    CHECK(has(service.ask(service.get("/t0ken/igd1.xml")),
              "<eventSubURL>http://127.0.0.1:50000/event/igd1/WANIPConn1</eventSubURL>"));
    service.tell(Done{request.head.id});
    CHECK(has(client.receive(), "AddPortMappingResponse"));
    CHECK(service.serve(0) == 0);
    CHECK(has(service.ask(service.get("/t0ken/igd1.xml")), "<eventSubURL></eventSubURL>"));
    CHECK(service.end() == 0);
  }

  TEST_CASE("with 100 connections held by one host, another is served at once") {
    RunningService service;
    std::vector<std::unique_ptr<HttpClient>> held;
    for (int i = 0; i < 100; ++i) {
      held.push_back(std::make_unique<HttpClient>(service.port()));
      held.back()->send("POST /t0ken/control/igd1/WANIPConn1 HTTP/1.1\r\nHost: ");
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) {
      HttpClient honest(service.port(), "127.0.0.2");
      honest.send(service.get("/t0ken/igd1.xml"));
      CHECK(status_of(honest.receive()) == 200);
    }
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    CHECK(service.end() == 0);
  }

  TEST_CASE("with 300 connections held from 60 addresses, another is served at once") {
    RunningService service;
    std::vector<std::unique_ptr<HttpClient>> held;
    held.push_back(std::make_unique<HttpClient>(service.port()));
    held.back()->send(add_request(service));
    const auto asked = expect<AddPortMapping>(service);
    for (int i = 0; i < 300; ++i) {
      const std::string source = "127.0.1." + std::to_string(1 + i % 60);
      held.push_back(std::make_unique<HttpClient>(service.port(), source.c_str()));
      held.back()->send(i % 2 == 0 ? "POST /" : "");
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i) {
      HttpClient honest(service.port(), "127.0.0.2");
      honest.send(service.get("/t0ken/igd1.xml"));
      CHECK(status_of(honest.receive()) == 200);
    }
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    // Who waits for the gateway has not made room.
    service.tell(Done{asked.head.id});
    CHECK(status_of(held.front()->receive()) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE("who has just got the gateway's reply does not make room before it is sent") {
    RunningService service;
    HttpClient client(service.port(), "127.0.0.2");
    client.send(add_request(service));
    const auto asked = expect<AddPortMapping>(service);
    std::vector<std::unique_ptr<HttpClient>> others;
    const auto connect = [&](int count) {
      for (int i = 0; i < count; ++i) {
        const std::string source = "127.0.1." + std::to_string(1 + others.size() / 8);
        others.push_back(std::make_unique<HttpClient>(service.port(), source.c_str()));
      }
    };
    connect(47);
    std::this_thread::sleep_for(100ms);  // so that any of them may make room
    // The reply and the next connections in one turn of the service.
    ::kill(service.pid(), SIGSTOP);
    service.tell(Done{asked.head.id});
    connect(5);
    ::kill(service.pid(), SIGCONT);
    CHECK(status_of(client.receive()) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE(
      "with every connection taken the service sleeps, and serves the next one that comes free") {
    RunningService service;
    std::vector<std::unique_ptr<HttpClient>> held;
    for (int i = 0; i < 80; ++i) {
      const std::string source = "127.0.1." + std::to_string(1 + i / 8);
      held.push_back(std::make_unique<HttpClient>(service.port(), source.c_str()));
      held.back()->send(add_request(service));
    }
    std::vector<std::uint64_t> suspended;
    for (int i = 0; i < 64; ++i)
      suspended.push_back(expect<AddPortMapping>(service).head.id);
    HttpClient next(service.port(), "127.0.0.2");
    next.send(service.get("/t0ken/igd1.xml"));
    CHECK(next.receive(100ms).empty());
    const auto used_before = service.cpu_time();
    std::this_thread::sleep_for(2s);
    CHECK(service.cpu_time() - used_before < 50ms);
    held.clear();
    for (const std::uint64_t id : suspended)
      service.tell(Done{id});
    CHECK(status_of(next.receive()) == 200);
    CHECK(service.end() == 0);
  }

  TEST_CASE("slow senders and silent gateways have their time") {
    // One case for all of it: the waiting is done at once.
    RunningService service;
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [start] { return std::chrono::steady_clock::now() - start; };
    HttpClient silent(service.port(), "127.0.0.2");
    HttpClient asking(service.port(), "127.0.0.3");
    asking.send(add_request(service));
    expect<AddPortMapping>(service);

    // A byte every half second is activity enough for an idle timeout alone.
    HttpClient slow_body(service.port(), "127.0.0.4");
    HttpClient slow_head(service.port(), "127.0.0.5");
    const std::string request = state_request(service);
    const std::size_t body = request.find("\r\n\r\n") + 4;
    slow_body.send(request.substr(0, body));
    std::size_t sent = 0;
    while (elapsed() < 25s && slow_body.send(request.substr(body + sent, 1)) &&
           slow_head.send(request.substr(sent, 1))) {
      ++sent;
      std::this_thread::sleep_for(500ms);
    }
    CHECK(elapsed() > 12s);
    CHECK(elapsed() < 20s);
    CHECK(slow_body.is_closed_within(2s));
    CHECK(slow_head.is_closed_within(2s));
    CHECK(silent.is_closed_within(100ms));
    CHECK(has(asking.receive(100ms), "<errorCode>501</errorCode>"));
    CHECK(service.end() == 0);
  }

  TEST_CASE("a message that cannot be read ends the service with an error") {
    RunningService garbage;
    garbage.tell_frame({std::byte{0xff}, std::byte{1}});
    CHECK(garbage.wait() == 1);
    RunningService without_socket;
    without_socket.tell(ServeLan{.lan = 1,
                                 .interface = "x",
                                 .family = IpFamily::V4,
                                 .addresses = {*Ipv4Network::parse("10.0.0.1/8")},
                                 .http_port = 1,
                                 .event_port = 0});
    CHECK(without_socket.wait() == 1);
  }
}
