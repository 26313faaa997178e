#include "igd_service.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "channel.h"
#include "clock.h"
#include "lan_server.h"
#include "log.h"
#include "loop.h"
#include "pending_requests.h"
#include "rate_limited_log.h"
#include "router_state.h"
#include "watchdog.h"

namespace upnpd::igd {
namespace {

// How long the connections of a replaced server may go on.
constexpr std::chrono::seconds kRetirement = LanServer::kRequestTime + PendingRequests::kPatience;

class IgdService {
 public:
  explicit IgdService(base::Fd channel)
      : channel_(std::move(channel)),
        pending_([this](const ServiceRequest& request) { ask_gateway(request); }),
        expiry_timer_(loop_, [this] { expire(); }),
        retirement_timer_(loop_, [this] { end_retired(); }),
        channel_watcher_(loop_, channel_.fd(), base::Interest::Read,
                         [this] { exchange_messages(); }),
        turn_end_(loop_, [this] { send_held(); }) {}

  int run() {
    loop_.run();
    return exit_code_;
  }

  void take(DeviceIdentity identity, base::Fd) { router_.identity = std::move(identity); }
  void take(const WanState& wan, base::Fd) { router_.wans.insert_or_assign(wan.lan, wan); }
  void take(const StateVariables& variables, base::Fd) { router_.evented = variables; }
  void take(const ServeLan& lan, base::Fd listener);
  void take(const LeaveLan& leave, base::Fd) { servers_.erase({leave.lan, leave.family}); }
  void take(const EntriesChanged&, base::Fd) { walks_.forget_entries(); }
  void take(const Ping& ping, base::Fd) { send(Pong{ping.number}); }
  // A reply to one of our requests.
  template <class Message>
  void take(const Message& reply, base::Fd) {
    pending_.resolve(reply);
  }

 private:
  struct Retired {
    std::unique_ptr<LanServer> server;
    BootTime until;
  };

  void exchange_messages();
  void take_frame(wire::Frame frame);
  template <class Message>
  void send(const Message& message);
  void ask_gateway(const ServiceRequest& request);
  void send_held();
  void watch_channel();
  void expire();
  void end_retired();
  void fail(std::string_view reason);

  base::Loop loop_;
  base::Watchdog watchdog_{loop_, base::kTurnPatience};
  wire::Channel channel_;
  RouterState router_;
  base::RateLimitedLog log_;
  PendingRequests pending_;
  EntryWalks walks_;
  base::Timer expiry_timer_;
  base::Timer retirement_timer_;
  base::FdWatcher channel_watcher_;
  base::TurnEndWatcher turn_end_;
  std::map<std::pair<LanIndex, IpFamily>, std::unique_ptr<LanServer>> servers_;
  std::vector<Retired> retired_;
  bool watches_writing_ = false;
  int exit_code_ = 0;
};

void IgdService::fail(std::string_view reason) {
  base::log_error(reason);
  exit_code_ = 1;
  loop_.stop();
}

void IgdService::exchange_messages() {
  if (const auto flushed = channel_.flush(); !flushed) return loop_.stop();
  while (exit_code_ == 0) {
    auto frames = channel_.receive();
    if (!frames && frames.error() == wire::ChannelError::Closed) return loop_.stop();
    if (!frames) return fail("the channel to the gateway failed");
    for (wire::Frame& frame : *frames)
      take_frame(std::move(frame));
    if (frames->size() < wire::Channel::kFramesAtOnce) break;
  }
  for (auto& [key, server] : servers_)
    server->run_if_woken();
  for (Retired& retired : retired_)
    retired.server->run_if_woken();
  watch_channel();
}

void IgdService::take_frame(wire::Frame frame) {
  auto message = wire::decode<ToService>(frame.bytes);
  if (!message)
    return fail(std::string("the gateway's message: ") + wire::to_string(message.error()));
  std::visit([&](auto& content) { take(std::move(content), std::move(frame.fd)); }, *message);
}

void IgdService::take(const ServeLan& lan, base::Fd listener) {
  if (!listener) return fail("the gateway sent no socket to serve " + lan.interface);
  const std::pair key{lan.lan, lan.family};
  if (const auto old = servers_.find(key); old != servers_.end()) {
    old->second->retire();
    retired_.push_back({std::move(old->second), base::boot_now() + kRetirement});
    servers_.erase(old);
    if (!retirement_timer_.is_running()) retirement_timer_.start(std::chrono::seconds(1));
  }
  auto server = LanServer::start(
      loop_, {.lan = lan, .router = router_, .pending = pending_, .walks = walks_, .log = log_},
      std::move(listener));
  if (!server) return fail(base::with_errno("HTTP server of " + lan.interface, server.error()));
  servers_.emplace(key, *std::move(server));
  send(LanServed{lan.lan, lan.family, lan.event_port});
}

template <class Message>
void IgdService::send(const Message& message) {
  const auto sent = channel_.send(message);
  if (!sent && sent.error() == wire::ChannelError::Closed) return loop_.stop();
  if (!sent) return fail("the gateway does not take our messages");
  watch_channel();
}

// The requests of one turn go to the gateway together, which commits together what it reads
// together.
void IgdService::ask_gateway(const ServiceRequest& request) {
  const auto held =
      std::visit([this](const auto& message) { return channel_.hold(message); }, request);
  if (!held) return loop_.stop();
  if (!expiry_timer_.is_running()) expiry_timer_.start(PendingRequests::kPatience);
}

void IgdService::send_held() {
  if (!channel_.has_queued()) return;
  if (const auto flushed = channel_.flush(); !flushed) return loop_.stop();
  watch_channel();
}

void IgdService::watch_channel() {
  if (channel_.has_queued() == watches_writing_) return;
  watches_writing_ = channel_.has_queued();
  channel_watcher_.set_interest(watches_writing_ ? base::Interest::ReadWrite
                                                 : base::Interest::Read);
}

void IgdService::expire() {
  exchange_messages();  // answers may be waiting, when this process was held up all the while
  const BootTime now = base::boot_now();
  pending_.expire(now);
  // A millisecond more: the clocks of libev and ours are not the same.
  if (const auto next = pending_.next_deadline())
    expiry_timer_.start(*next - now + std::chrono::milliseconds(1));
}

void IgdService::end_retired() {
  const BootTime now = base::boot_now();
  std::erase_if(retired_, [now](const Retired& retired) {
    return !retired.server->has_connections() || retired.until <= now;
  });
  if (!retired_.empty()) retirement_timer_.start(std::chrono::seconds(1));
}

}  // namespace

int run_igd_service(base::Fd channel) {
  // A client that goes away while it is answered is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  return IgdService(std::move(channel)).run();
}

}  // namespace upnpd::igd
