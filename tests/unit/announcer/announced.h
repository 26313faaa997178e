// An announcer that announces in a home of its own, and ears on both sides of the router.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "lan_home.h"
#include "upnpd/device_tree.h"

namespace upnpd::test {

using Place = Home::Place;
using Clock = std::chrono::steady_clock;

inline const std::string kIgd1 = "http://192.168.77.1:5555/t0ken/igd1.xml";
inline const std::string kIgd2 = "http://192.168.77.1:5555/t0ken/igd2.xml";
inline const std::string kDevice = "urn:schemas-upnp-org:device:";
inline const std::string kService = "urn:schemas-upnp-org:service:";

inline StateVariables connected() {
  return {.connection_status = ConnectionStatus::Connected,
          .external_address = Ipv4Address::parse("203.0.113.1"),
          .port_mapping_number_of_entries = 3,
          .system_update_id = 7,
          .link_up = true,
          .inbound_pinhole_allowed = true};
}

inline std::string search_for(const std::string& target, const std::string& more = "MX: 2\r\n") {
  return "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n" + more +
         "ST: " + target + "\r\n\r\n";
}

// A home with an announcer that announces, and ears on both sides.
struct Announced {
  explicit Announced(std::uint32_t notify_interval = 900) {
    const auto port = announcer.announce_lan(notify_interval);
    REQUIRE(port);
    event_port = *port;
    service = std::make_unique<DescriptionServer>(event_port);
    announcer.send(connected());
    announcer.send(StartAnnouncing{});
    announcements = messages(lan_ear.get(), milliseconds(600));
  }

  std::vector<Message> search(const std::string& text, milliseconds time = milliseconds(250)) {
    const base::Fd socket = home.in(Place::Host, [] { return udp_socket(0, "eth0", "0.0.0.0"); });
    send_to(socket.get(), text, "239.255.255.250", 1900);
    return messages(socket.get(), time);
  }

  std::string subscribe(const std::string& path, const std::string& callback,
                        const std::string& from = "192.168.77.20") {
    return home.in(Place::Host, [&] {
      return ask(
          from, "192.168.77.1", event_port,
          "SUBSCRIBE " + path + " HTTP/1.1\r\nHOST: 192.168.77.1:" + std::to_string(event_port) +
              "\r\nCALLBACK: " + callback + "\r\nNT: upnp:event\r\nTIMEOUT: Second-1800\r\n\r\n",
          milliseconds(5000));
    });
  }

  // The next event at the host's port 7000, answered.
  std::string event(milliseconds time = milliseconds(1500)) {
    const auto connection = accepted(callback_listener.get(), time);
    if (!connection) return "no event";
    const std::string text = http_message(connection->get(), milliseconds(1000));
    answer(connection->get(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return text;
  }

  bool still_answers_ping() {
    announcer.send(Ping{42});
    const auto pong = announcer.receive(milliseconds(1000));
    return pong && std::holds_alternative<Pong>(*pong) && std::get<Pong>(*pong).number == 42;
  }

  Home home;
  base::Fd lan_ear = home.in(Place::Host, [] { return udp_socket(1900, "eth0", "0.0.0.0"); });
  base::Fd wan_packets = home.in(Place::Internet, [] { return packet_socket("eth0"); });
  base::Fd callback_listener =
      home.in(Place::Host, [] { return tcp_listener("192.168.77.20", 7000); });
  AnnouncerProcess announcer;
  std::unique_ptr<DescriptionServer> service;
  std::uint16_t event_port = 0;
  std::vector<Message> announcements;
};

inline std::vector<Message> only(const std::vector<Message>& all, const std::string& nts) {
  std::vector<Message> some;
  std::ranges::copy_if(all, std::back_inserter(some),
                       [&](const Message& each) { return header(each.text, "NTS") == nts; });
  return some;
}

inline bool carries(const std::string& event, const std::string& name, const std::string& value) {
  return event.find("<" + name + ">" + value + "</" + name + ">") != std::string::npos;
}

inline std::size_t properties(const std::string& event) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = event.find("<e:property>", at)) != std::string::npos; ++at)
    ++count;
  return count;
}

}  // namespace upnpd::test
