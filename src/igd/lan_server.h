// The HTTP server of one LAN: a libmicrohttpd daemon on the loop's thread. Its clients are bounded:
// connections in all and from one address, memory and time of each. A host can have any number of
// addresses; so that none of them keeps others out, the connection that has been without a whole
// request for longest makes room for a new one.
#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>

#include "fd.h"
#include "http_exchange.h"
#include "loop.h"
#include "request_bytes.h"

namespace upnpd::igd {

class LanServer {
 public:
  static constexpr unsigned kMaxConnections = 64;
  // Above these room is made: the rest is for who comes in the same turn of the loop.
  static constexpr unsigned kMaxKeptConnections = 48;
  // But each has as long for its request: 48 in that time are 2 400 a second, so that whoever waits
  // behind a listening socket's full queue of 512 waits about 0.2 s.
  static constexpr std::chrono::milliseconds kGrace{20};
  // And as many runs of the daemon, in which a request that is there is read: on a slow machine 20
  // ms may pass before.
  static constexpr std::uint64_t kRunsOfGrace = 2;
  // Clients map a dozen ports at once, each on a connection of its own.
  static constexpr unsigned kMaxConnectionsOfAddress = 16;
  // Without a byte either way for this long, a connection ends.
  static constexpr std::chrono::seconds kIdleTime{10};
  // A connection ends when its next request is not read, and answered, within this time; the
  // gateway's time is not counted.
  static constexpr std::chrono::seconds kRequestTime{15};
  static constexpr std::size_t kConnectionMemory = 16 * 1024;  // bytes; heads do not get longer

  // Serves on `listener` from the next turn of `loop` on. The error is errno. What `context`
  // refers to outlives the server.
  static std::expected<std::unique_ptr<LanServer>, int> start(base::Loop& loop,
                                                              ExchangeContext context,
                                                              base::Fd listener);
  LanServer(const LanServer&) = delete;
  LanServer& operator=(const LanServer&) = delete;
  // Ends every connection; those that wait for the gateway get no answer.
  ~LanServer();

  // Takes in who already waits at the listening socket, closes it, and goes on serving the
  // connections there are.
  void retire();
  // Sends the answers whose replies have come, now rather than in the loop's next turn.
  void run_if_woken();
  bool has_connections() const { return !connections_.empty(); }

 private:
  struct Connection {
    int fd;
    BootTime deadline;
    BootTime room_from{};             // when it may be cut for another
    std::uint64_t room_from_run = 0;  // in which run of the daemon
    bool is_cut = false;              // and will be closed
    std::unique_ptr<RequestBytes> bytes;
    std::unique_ptr<HttpExchange> exchange;
    bool is_waiting() const { return exchange && exchange->is_waiting(); }
    // libmicrohttpd sees the end of the connection and closes it.
    void cut();
  };
  struct DaemonDeleter {
    void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
  };

  LanServer(base::Loop& loop, ExchangeContext context);
  std::expected<void, int> start_daemon(base::Fd listener);
  void run();
  // When to run it again; no value: when something happens.
  std::optional<std::chrono::milliseconds> run_daemon();
  void cut_slow_connections();
  void make_room();
  void give_grace(Connection& connection) const;

  static MHD_Result take_request(void* self, MHD_Connection* connection, const char* target,
                                 const char* method, const char* version, const char* data,
                                 std::size_t* size, void** request_closure);
  static void end_request(void* self, MHD_Connection* connection, void** request_closure,
                          MHD_RequestTerminationCode code);
  static void note_connection(void* self, MHD_Connection* connection, void** connection_closure,
                              MHD_ConnectionNotificationCode code);

  ExchangeContext context_;
  base::Timer run_timer_;
  bool is_woken_ = false;
  std::uint64_t runs_ = 0;
  std::uint64_t accepted_ = 0;  // connections so far
  base::Timer cut_timer_;
  base::Timer room_timer_;
  std::map<MHD_Connection*, Connection> connections_;
  std::unique_ptr<MHD_Daemon, DaemonDeleter> daemon_;
  std::optional<base::FdWatcher> watcher_;
  base::Loop& loop_;
};

}  // namespace upnpd::igd
