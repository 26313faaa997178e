// The igd service in a child process, serving 127.0.0.1, with the test as its gateway and as its
// HTTP clients over raw sockets.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "channel.h"
#include "fd.h"
#include "upnpd/messages.h"

namespace upnpd::test {

// A client's TCP connection.
class HttpClient {
 public:
  // From `source`, any address of 127/8.
  explicit HttpClient(std::uint16_t port, const char* source = "127.0.0.1");
  // False when the server has closed.
  bool send(std::string_view text);
  // One response with its body, or what has come when the server closes or `patience` is over.
  std::string receive(std::chrono::milliseconds patience = std::chrono::seconds(3));
  // Whether the server closes the connection within `patience`; drops what it sends.
  bool is_closed_within(std::chrono::milliseconds patience);
  void close() { fd_ = base::Fd(); }

 private:
  bool read_more(std::chrono::steady_clock::time_point until);
  base::Fd fd_;
  std::string received_;
};

class RunningService {
 public:
  RunningService();
  RunningService(const RunningService&) = delete;
  RunningService& operator=(const RunningService&) = delete;
  ~RunningService();

  std::uint16_t port() const { return port_; }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  pid_t pid() const { return pid_; }

  // Serves the LAN (again) with a new socket on the same port; returns LanServed's event port.
  std::uint16_t serve(std::uint16_t event_port);
  template <class Message>
  void tell(const Message& message) {
    static_cast<void>(channel_->send(message));
  }
  void tell_frame(std::vector<std::byte> bytes) {
    static_cast<void>(channel_->send_frame(std::move(bytes)));
  }
  // The service's next message; no value when none comes in time.
  std::optional<FromService> next_message(
      std::chrono::milliseconds patience = std::chrono::seconds(3));

  // The text of requests.
  std::string get(std::string_view path, std::string_view more_headers = "") const;
  std::string post(std::string_view soap_action, std::string_view body,
                   std::string_view more_headers = "") const;
  // The answer to one request on a connection of its own.
  std::string ask(std::string_view request) const;

  // The processor time the service has used.
  std::chrono::nanoseconds cpu_time() const;

  // Closes the channel, as a gateway that ends; returns the service's exit code, -1 for a signal.
  int end();
  // The exit code of a service that ends by itself.
  int wait();

 private:
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::optional<wire::Channel> channel_;
  std::deque<wire::Frame> frames_;  // that have come and are not read
};

}  // namespace upnpd::test
