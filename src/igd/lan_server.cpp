#include "lan_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "clock.h"

namespace upnpd::igd {

std::expected<std::unique_ptr<LanServer>, int> LanServer::start(base::Loop& loop,
                                                                ExchangeContext context,
                                                                base::Fd listener) {
  std::unique_ptr<LanServer> server(new LanServer(loop, std::move(context)));
  if (const auto started = server->start_daemon(std::move(listener)); !started)
    return std::unexpected(started.error());
  return server;
}

LanServer::LanServer(base::Loop& loop, ExchangeContext context)
    : context_(std::move(context)),
      run_timer_(loop, [this] { run(); }),
      cut_timer_(loop, [this] { cut_slow_connections(); }),
      room_timer_(loop, [this] { make_room(); }),
      loop_(loop) {
  context_.wake = [this](MHD_Connection* handle) {
    // Its answer is still to be sent.
    if (const auto found = connections_.find(handle); found != connections_.end())
      give_grace(found->second);
    is_woken_ = true;
    run_timer_.start(std::chrono::milliseconds(0));
  };
}

LanServer::~LanServer() {
  watcher_.reset();
  // A daemon must not be stopped while a connection of it is suspended.
  for (auto& [handle, connection] : connections_)
    if (connection.exchange) connection.exchange->abandon();
  daemon_.reset();
}

std::expected<void, int> LanServer::start_daemon(base::Fd listener) {
  const int flags = ::fcntl(listener.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return std::unexpected(errno);
  errno = 0;
  daemon_.reset(MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &LanServer::take_request, this,
      MHD_OPTION_LISTEN_SOCKET, listener.get(), MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, kMaxConnectionsOfAddress, MHD_OPTION_CONNECTION_TIMEOUT,
      static_cast<unsigned>(kIdleTime.count()), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      kConnectionMemory, MHD_OPTION_NOTIFY_COMPLETED, &LanServer::end_request, this,
      MHD_OPTION_NOTIFY_CONNECTION, &LanServer::note_connection, this, MHD_OPTION_END));
  if (!daemon_) return std::unexpected(errno != 0 ? errno : ENOMEM);
  listener.release();  // the daemon closes it
  const auto* const epoll = MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  if (epoll == nullptr) return std::unexpected(ENOTSUP);
  watcher_.emplace(loop_, epoll->listen_fd, base::Interest::Read, [this] { run(); });
  return {};
}

void LanServer::run() {
  // What can go on at once does, up to a point: a turn of the loop for each step costs more.
  constexpr int kStepsOfTurn = 4;
  is_woken_ = false;
  std::optional<std::chrono::milliseconds> wait(0);
  for (int step = 0; wait && wait->count() == 0 && step < kStepsOfTurn; ++step)
    wait = run_daemon();
  if (wait)
    run_timer_.start(*wait);
  else
    run_timer_.stop();
}

std::optional<std::chrono::milliseconds> LanServer::run_daemon() {
  const std::size_t connections_before = connections_.size();
  const std::uint64_t accepted_before = accepted_;
  ++runs_;
  MHD_run(daemon_.get());
  // A daemon that was full listens again only when it runs once more, and who has just come mostly
  // has asked already.
  if (accepted_ != accepted_before || connections_.size() < connections_before)
    return std::chrono::milliseconds(0);
  MHD_UNSIGNED_LONG_LONG wait = 0;
  if (MHD_get_timeout(daemon_.get(), &wait) != MHD_YES) return std::nullopt;
  return std::chrono::milliseconds(wait);
}

void LanServer::run_if_woken() {
  if (is_woken_) run();
}

void LanServer::retire() {
  run();
  const base::Fd listener(MHD_quiesce_daemon(daemon_.get()));
}

void LanServer::cut_slow_connections() {
  run();  // what has come may be waiting, when this process was held up all the while
  const BootTime now = base::boot_now();
  for (auto& [handle, connection] : connections_) {
    if (connection.is_waiting()) connection.deadline = now + kRequestTime;
    connection.bytes->end_silent_body(now);
    if (connection.deadline <= now) connection.cut();
  }
  if (!connections_.empty()) cut_timer_.start(std::chrono::seconds(1));
}

void LanServer::Connection::cut() {
  is_cut = true;
  ::shutdown(fd, SHUT_RDWR);
}

void LanServer::make_room() {
  std::vector<Connection*> idle;
  std::size_t kept = 0;
  for (auto& [handle, connection] : connections_) {
    if (connection.is_cut) continue;
    ++kept;
    if (!connection.is_waiting()) idle.push_back(&connection);
  }
  std::ranges::sort(idle, {}, &Connection::room_from);
  const BootTime now = base::boot_now();
  for (Connection* const connection : idle) {
    if (kept <= kMaxKeptConnections) return;
    if (connection->room_from > now || connection->room_from_run > runs_) break;
    connection->cut();
    --kept;
  }
  if (kept > kMaxKeptConnections && !room_timer_.is_running()) room_timer_.start(kGrace);
}

void LanServer::give_grace(Connection& connection) const {
  connection.room_from = base::boot_now() + kGrace;
  connection.room_from_run = runs_ + kRunsOfGrace;
}

MHD_Result LanServer::take_request(void* self, MHD_Connection* handle, const char* target,
                                   const char* method, const char*, const char* data,
                                   std::size_t* size, void**) {
  auto& server = *static_cast<LanServer*>(self);
  const auto found = server.connections_.find(handle);
  if (found == server.connections_.end()) return MHD_NO;
  auto& exchange = found->second.exchange;
  if (!exchange) {
    exchange = std::make_unique<HttpExchange>(handle, server.context_);
    return exchange->take_head(target, method);
  }
  if (*size == 0) return exchange->take_end();
  return exchange->take_body({data, std::exchange(*size, 0)});
}

void LanServer::end_request(void* self, MHD_Connection* handle, void**,
                            MHD_RequestTerminationCode) {
  auto& server = *static_cast<LanServer*>(self);
  const auto found = server.connections_.find(handle);
  if (found == server.connections_.end()) return;
  found->second.exchange.reset();
  found->second.deadline = base::boot_now() + kRequestTime;
  server.give_grace(found->second);
  if (found->second.bytes->have_ended()) ::shutdown(found->second.fd, SHUT_RDWR);
}

void LanServer::note_connection(void* self, MHD_Connection* handle, void**,
                                MHD_ConnectionNotificationCode code) {
  auto& server = *static_cast<LanServer*>(self);
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    server.connections_.erase(handle);
    return;
  }
  ++server.accepted_;
  const auto* const info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info == nullptr) return;
  const int fd = info->connect_fd;
  Connection connection{.fd = fd,
                        .deadline = base::boot_now() + kRequestTime,
                        .bytes = std::make_unique<RequestBytes>(fd),
                        .exchange = nullptr};
  server.give_grace(connection);
  server.connections_.insert_or_assign(handle, std::move(connection));
  if (server.connections_.size() > kMaxKeptConnections) server.make_room();
  if (!server.cut_timer_.is_running()) server.cut_timer_.start(std::chrono::seconds(1));
}

}  // namespace upnpd::igd
