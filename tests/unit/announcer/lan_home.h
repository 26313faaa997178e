// A home for the announcer's tests: a router with a LAN and a WAN, a LAN host and an internet host,
// each in a network namespace of its own, and an announcer process on the router with the test as
// its gateway. All of it is gone when the objects are.
//
//   internet 203.0.113.2 -- wan0 203.0.113.1 [router] 192.168.77.1 lan0 -- 192.168.77.20, .21 host
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "channel.h"
#include "fd.h"
#include "upnpd/messages.h"

namespace upnpd::test {

using std::chrono::milliseconds;

inline constexpr std::uint16_t kHttpPort = 5555;
inline constexpr std::string_view kUuid = "00000000-0000-4000-8000-00000000000a";

class Home {
 public:
  Home();
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  enum class Place { Router, Host, Internet };
  // Runs `function` in a place's namespace. Sockets stay where they were made.
  template <class Function>
  auto in(Place place, Function function) {
    enter(place);
    auto result = function();
    enter(Place::Router);
    return result;
  }

 private:
  void enter(Place place);
  base::Fd router_, host_, internet_;
};

struct Message {
  std::string text;
  std::string from;
};

// A UDP socket; port 0 = any. Joins 239.255.255.250 on `interface`.
base::Fd udp_socket(std::uint16_t port, const std::string& interface, const std::string& address);
void send_to(int socket, const std::string& text, const std::string& address, std::uint16_t port);
// What arrives until `time` has passed without anything; the first may take as long as `first`.
std::vector<Message> messages(int socket, milliseconds time,
                              std::optional<milliseconds> first = std::nullopt);
// A listening TCP socket.
base::Fd tcp_listener(const std::string& address, std::uint16_t port,
                      const std::string& interface = "");
// The next connection within `time`.
std::optional<base::Fd> accepted(int listener, milliseconds time);
// Connects, sends `request`, returns the answer's bytes until the peer closes, falls silent for
// `time`, or, with Content-Length, is complete.
std::string ask(const std::string& from, const std::string& to, std::uint16_t port,
                const std::string& request, milliseconds time = milliseconds(3000));
// A connection that has been begun and will never say anything.
base::Fd begun_connection(const std::string& from, const std::string& to, std::uint16_t port);
void answer(int connection, const std::string& text);
// One HTTP message from a connection.
std::string http_message(int connection, milliseconds time);
// Every IPv4 packet on `interface`, from now on.
base::Fd packet_socket(const std::string& interface);
// Those that came in: their count, without waiting.
int packets(int socket);
// The value of a header, "" where there is none.
std::string header(const std::string& message, const std::string& name);

// The igd service's part: both descriptions, minimal, over HTTP.
class DescriptionServer {
 public:
  explicit DescriptionServer(std::uint16_t event_port);
  DescriptionServer(const DescriptionServer&) = delete;
  DescriptionServer& operator=(const DescriptionServer&) = delete;
  ~DescriptionServer();

 private:
  void serve(int connection) const;
  std::uint16_t event_port_;
  base::Fd listener_;
  std::jthread thread_;
};

// An announcer, as user nobody and within 128 MiB of address space.
class AnnouncerProcess {
 public:
  AnnouncerProcess();
  AnnouncerProcess(const AnnouncerProcess&) = delete;
  AnnouncerProcess& operator=(const AnnouncerProcess&) = delete;
  ~AnnouncerProcess();

  template <class T>
  void send(const T& message, int fd = -1) {
    (void)channel_->send(message, fd);
  }
  std::optional<FromAnnouncer> receive(milliseconds time);
  // AnnounceLan; the event port.
  std::optional<std::uint16_t> announce_lan(std::uint32_t notify_interval = 900);
  void close_channel() { channel_.reset(); }
  // Its exit status within `time`.
  std::optional<int> exit_status(milliseconds time);
  pid_t pid() const { return pid_; }

 private:
  std::optional<wire::Channel> channel_;
  std::deque<wire::Frame> frames_;  // that have come and are not read
  pid_t pid_ = -1;
};

}  // namespace upnpd::test
