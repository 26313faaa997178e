#include <doctest/doctest.h>

#include <set>
#include <string>

#include "announced.h"

using namespace upnpd;
using namespace upnpd::test;

TEST_SUITE_BEGIN("announcer in its LAN");

TEST_CASE("byebye and then IGD:1 is announced on the LAN, and nothing leaves on the WAN") {
  Announced it;
  REQUIRE(it.announcements.size() >= 20);
  const auto byebye = only(it.announcements, "ssdp:byebye");
  const auto alive = only(it.announcements, "ssdp:alive");
  CHECK(byebye.size() == 10);
  CHECK(header(it.announcements[9].text, "NTS") == "ssdp:byebye");
  CHECK(header(it.announcements[10].text, "NTS") == "ssdp:alive");
  std::set<std::string> types;
  for (const Message& each : alive) {
    types.insert(header(each.text, "USN"));
    CHECK(header(each.text, "LOCATION") == kIgd1);
    CHECK_FALSE(header(each.text, "NT").ends_with(":2"));
    CHECK(std::stoi(header(each.text, "CACHE-CONTROL").substr(8)) >= 1800);
    CHECK(each.from.starts_with("192.168.77.1:"));
  }
  CHECK(types.size() == 10);
  CHECK(packets(it.wan_packets.get()) == 0);
}

TEST_CASE(
    "a search is answered at once with the document of its version, in the searcher's words") {
  Announced it;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"upnp:rootdevice", kIgd1},
      {kDevice + "InternetGatewayDevice:1", kIgd1},
      {kDevice + "InternetGatewayDevice:2", kIgd2},
      {kService + "WANIPConnection:1", kIgd1},
      {kService + "WANIPConnection:2", kIgd2},
      {kService + "WANPPPConnection:1", kIgd1},
      {"uuid:" + std::string(kUuid), kIgd1},
  };
  for (const auto& [target, location] : cases) {
    for (const char* wait : {"MX: 2\r\n", ""}) {
      CAPTURE(target);
      const auto answers = it.search(search_for(target, wait));
      REQUIRE(answers.size() == 1);
      CHECK(answers[0].from == "192.168.77.1:1900");
      CHECK(header(answers[0].text, "ST") == target);
      CHECK(header(answers[0].text, "LOCATION") == location);
    }
  }
  CHECK(it.search(search_for("ssdp:all")).size() == 10);
  CHECK(it.search(search_for(kService + "WANIPConnection:3")).empty());
  CHECK(packets(it.wan_packets.get()) == 0);
}

TEST_CASE("a search to the router's own address is answered without delay") {
  Announced it;
  const base::Fd socket = it.home.in(Place::Host, [] { return udp_socket(0, "eth0", "0.0.0.0"); });
  const auto start = Clock::now();
  send_to(socket.get(), search_for("upnp:rootdevice", "MX: 5\r\n"), "192.168.77.1", 1900);
  CHECK(messages(socket.get(), milliseconds(20)).size() == 1);
  CHECK(Clock::now() - start < milliseconds(60));
}

TEST_CASE("a search from the WAN is not answered") {
  Announced it;
  const base::Fd internet =
      it.home.in(Place::Internet, [] { return udp_socket(0, "eth0", "0.0.0.0"); });
  for (const char* to : {"239.255.255.250", "203.0.113.1"})
    send_to(internet.get(), search_for("ssdp:all"), to, 1900);
  CHECK(messages(internet.get(), milliseconds(300)).empty());
}

TEST_CASE("a search from port 1900 is answered there, and the answer's echo is not") {
  Announced it;
  send_to(it.lan_ear.get(), search_for("upnp:rootdevice"), "192.168.77.1", 1900);
  const auto answers = messages(it.lan_ear.get(), milliseconds(300));
  REQUIRE(answers.size() == 1);
  send_to(it.lan_ear.get(), answers[0].text, "192.168.77.1", 1900);
  CHECK(messages(it.lan_ear.get(), milliseconds(300)).empty());
}

TEST_CASE("a flood of searches from one host gets its burst of answers and no more") {
  Announced it;
  const base::Fd socket = it.home.in(Place::Host, [] { return udp_socket(0, "eth0", "0.0.0.0"); });
  for (int i = 0; i < 200; ++i)
    send_to(socket.get(), search_for("upnp:rootdevice"), "239.255.255.250", 1900);
  const auto answers = messages(socket.get(), milliseconds(300));
  CHECK(answers.size() >= 20);
  CHECK(answers.size() <= 25);
}

TEST_CASE("datagrams that are no search do no harm") {
  Announced it;
  const base::Fd socket = it.home.in(Place::Host, [] { return udp_socket(0, "eth0", "0.0.0.0"); });
  for (const std::string& text : {std::string(), std::string(5000, 'M'), std::string(1, '\0'),
                                  std::string("M-SEARCH * HTTP/1.1\r\nST: ssdp:all\r\n\r\n")})
    send_to(socket.get(), text, "192.168.77.1", 1900);
  CHECK(messages(socket.get(), milliseconds(200)).empty());
  CHECK(it.search(search_for("upnp:rootdevice")).size() == 1);
}

TEST_CASE("a short notify_interval is kept, at a max-age that stays long") {
  Announced it(10);
  const auto later =
      only(messages(it.lan_ear.get(), milliseconds(200), milliseconds(11000)), "ssdp:alive");
  REQUIRE(later.size() >= 10);
  CHECK(header(later[0].text, "LOCATION") == kIgd1);
  CHECK(packets(it.wan_packets.get()) == 0);
}

TEST_CASE("StopAnnouncing says byebye and ends the process") {
  Announced it;
  it.announcer.send(StopAnnouncing{});
  CHECK(it.announcer.exit_status(milliseconds(2000)) == 0);
  CHECK(only(messages(it.lan_ear.get(), milliseconds(200)), "ssdp:byebye").size() == 10);
}

TEST_CASE("when the gateway dies the announcer says byebye and follows at once") {
  Announced it;
  const auto start = Clock::now();
  it.announcer.close_channel();
  CHECK(it.announcer.exit_status(milliseconds(1000)) == 0);
  CHECK(Clock::now() - start < milliseconds(200));
  CHECK(only(messages(it.lan_ear.get(), milliseconds(200)), "ssdp:byebye").size() == 10);
}

TEST_CASE("an event port that is taken is replaced by another") {
  Home home;
  const base::Fd taken = tcp_listener("0.0.0.0", 49152);
  AnnouncerProcess announcer;
  const auto port = announcer.announce_lan();
  REQUIRE(port);
  CHECK(*port != 49152);
  CHECK(*port != 0);
}

TEST_CASE("messages out of order end the process with status 1") {
  Home home;
  SUBCASE("StartAnnouncing first") {
    AnnouncerProcess announcer;
    announcer.send(StartAnnouncing{});
    CHECK(announcer.exit_status(milliseconds(1000)) == 1);
  }
  SUBCASE("an interface that is not there") {
    AnnouncerProcess announcer;
    const base::Fd socket = udp_socket(1900, "lan0", "0.0.0.0");
    announcer.send(
        AnnounceLan{
            .interface = "none0", .address = *Ipv4Network::parse("192.168.78.1/24"), .uuid = "x"},
        socket.get());
    CHECK(announcer.exit_status(milliseconds(3000)) == 1);
  }
  SUBCASE("descriptions that are not served") {
    AnnouncerProcess announcer;
    REQUIRE(announcer.announce_lan());
    announcer.send(StartAnnouncing{});
    CHECK(announcer.exit_status(milliseconds(5000)) == 1);
  }
}

TEST_SUITE_END();
