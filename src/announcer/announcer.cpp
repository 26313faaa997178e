#include "announcer.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "channel.h"
#include "clock.h"
#include "event_publisher.h"
#include "libupnp_sockets.h"
#include "libupnp_watch.h"
#include "log.h"
#include "loop.h"
#include "overloaded.h"
#include "search_responder.h"
#include "thread_memory.h"
#include "upnpd/config_id.h"
#include "watchdog.h"

namespace upnpd::announcer {
namespace {

using std::chrono::seconds;

constexpr seconds kMinMaxAge{1800};  // UDA 1.1 section 1.2.2
constexpr seconds kMaxInterval{12 * 3600};
constexpr seconds kMinInterval{10};
// The announcement is repeated so long before half of the max-age has passed.
constexpr seconds kMargin{30};
// The first announcement is said twice: a datagram may be lost (UDA 1.1 section 1.2.2).
constexpr std::chrono::milliseconds kRepetition{300};

// A max-age whose half is not below `interval`, with some chance in it, so that the devices of a
// LAN that came up together do not stay together.
seconds max_age_for(seconds interval, std::minstd_rand& random) {
  const seconds least =
      std::max(kMinMaxAge, 2 * (std::clamp(interval, kMinInterval, kMaxInterval) + kMargin));
  return least +
         seconds(std::uniform_int_distribution<seconds::rep>(0, least.count() / 10)(random));
}

// A time not long before `latest`, so that devices do not stay together.
std::chrono::milliseconds random_interval(std::chrono::milliseconds latest,
                                          std::minstd_rand& random) {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> some(latest.count() * 4 / 5,
                                                                     latest.count());
  return std::chrono::milliseconds(some(random));
}

// UDA 1.1 section 1.2.2 wants it to grow with each life, and names the time as a source. A router's
// clock may be wrong: then the value is another one all the same, which is what control points ask.
std::uint32_t new_boot_id() {
  return static_cast<std::uint32_t>(std::time(nullptr) & INT32_MAX);
}

class Announcer {
 public:
  Announcer(base::Fd channel, std::function<void()> lock_down)
      : channel_(std::move(channel)),
        lock_down_(std::move(lock_down)),
        random_(static_cast<unsigned>(base::boot_now().time_since_epoch().count())),
        watcher_(loop_, channel_.fd(), base::Interest::Read, [this] { serve_channel(); }),
        refresh_(loop_, [this] { refresh(); }),
        terminated_(loop_, SIGTERM, [this] { end(0); }),
        interrupted_(loop_, SIGINT, [this] { end(0); }) {}

  [[noreturn]] void run() {
    loop_.run();
    end(0);
  }

 private:
  // A LAN to announce, from AnnounceLan on.
  struct Lan {
    AnnounceLan settings;
    base::Fd search_socket;  // the responder's, once there is one
    std::vector<SsdpSite> sites;
    SsdpDevice device;
  };

  void serve_channel();
  void take(wire::Frame frame);
  void announce_lan(const AnnounceLan& settings, base::Fd search_socket);
  void announce_lan_ipv6(const AnnounceLanIpv6& settings, base::Fd search_socket);
  void start_announcing();
  void state_variables(const StateVariables& state);
  void say_alive() const;
  void refresh();
  template <class Message>
  void send(const Message& message);
  void watch_channel();
  [[noreturn]] void end(int status);
  [[noreturn]] void fail(std::string_view why);

  base::Loop loop_;
  base::Watchdog watchdog_{loop_, base::kTurnPatience};
  wire::Channel channel_;
  std::function<void()> lock_down_;
  std::minstd_rand random_;
  base::FdWatcher watcher_;
  base::Timer refresh_;
  base::SignalWatcher terminated_;
  base::SignalWatcher interrupted_;
  std::optional<Lan> lan_;
  std::unique_ptr<EventPublisher> publisher_;
  std::unique_ptr<LibupnpWatch> watch_;         // from when libupnp has been started
  std::unique_ptr<SearchResponder> responder_;  // while announcing
  std::unique_ptr<SearchResponder> ipv6_responder_;
};

// The own byebye, not UpnpUnRegisterRootDevice's: that needs locks of libupnp's, says goodbye for
// the IGD:2 document too, which was never announced, and takes its time.
void Announcer::end(int status) {
  if (responder_) responder_->say_byebye();
  if (ipv6_responder_) ipv6_responder_->say_byebye();
  ::_exit(status);
}

void Announcer::fail(std::string_view why) {
  base::log_error(why);
  end(1);
}

void Announcer::watch_channel() {
  watcher_.set_interest(channel_.has_queued() ? base::Interest::ReadWrite : base::Interest::Read);
}

template <class Message>
void Announcer::send(const Message& message) {
  if (!channel_.send(message)) end(0);  // the gateway has gone
  watch_channel();
}

void Announcer::serve_channel() {
  if (!channel_.flush()) end(0);
  watch_channel();
  for (;;) {
    auto frames = channel_.receive();
    if (!frames && frames.error() == wire::ChannelError::Closed) end(0);
    if (!frames) fail("the gateway's channel is broken");
    for (wire::Frame& frame : *frames)
      take(std::move(frame));
    if (frames->size() < wire::Channel::kFramesAtOnce) return;
  }
}

void Announcer::take(wire::Frame frame) {
  const auto message = wire::decode<ToAnnouncer>(frame.bytes);
  if (!message) fail(std::string("a message of the gateway: ") + wire::to_string(message.error()));
  std::visit(base::Overloaded{
                 [&](const AnnounceLan& settings) { announce_lan(settings, std::move(frame.fd)); },
                 [&](const AnnounceLanIpv6& settings) {
                   announce_lan_ipv6(settings, std::move(frame.fd));
                 },
                 [&](const StartAnnouncing&) { start_announcing(); },
                 [&](const StopAnnouncing&) { end(0); },
                 [&](const StateVariables& state) { state_variables(state); },
                 [&](const Ping& ping) { send(Pong{ping.number}); },
             },
             *message);
}

void Announcer::announce_lan(const AnnounceLan& settings, base::Fd search_socket) {
  if (lan_ || !search_socket) fail("AnnounceLan came twice, or without its socket");
  keep_threads_small();
  guard_libupnp_sockets(
      {settings.interface, settings.address, settings.http_port, settings.further_networks});
  publisher_ = std::make_unique<EventPublisher>(loop_, settings.uuid);
  const auto port = publisher_->start(settings.interface, settings.preferred_event_port);
  if (!port) fail(port.error());
  const SsdpDevice device{settings.uuid, settings.path_token,
                          max_age_for(seconds(settings.notify_interval), random_), new_boot_id(),
                          config_id(settings.description_hash, *port)};
  const IpNetwork address = settings.address;
  lan_ = Lan{settings, std::move(search_socket),
             sites_for(std::span(&address, 1), settings.http_port, device), device};
  lan_->sites.front().further_networks = settings.further_networks;
  watch_ = std::make_unique<LibupnpWatch>(loop_, [this] { fail("a thread of libupnp hangs"); });
  // The C library reads the time zone's file when DATE is first written, were it not for this.
  ::tzset();
  if (lock_down_) lock_down_();
  send(AnnouncerReady{*port});
}

void Announcer::start_announcing() {
  if (!lan_) fail("StartAnnouncing came before AnnounceLan");
  if (responder_) return;
  const SsdpIdentity& identity = lan_->sites.front().identity;
  if (const auto result = publisher_->register_documents(identity); !result) fail(result.error());
  responder_ =
      std::make_unique<SearchResponder>(loop_, std::move(lan_->search_socket), lan_->sites);
  // UDA 1.1 section 1.2.2: what an earlier life of this device announced is revoked first, by both
  // families before either says that it is there: to a control point of both it is one device.
  responder_->say_byebye();
  if (ipv6_responder_) ipv6_responder_->say_byebye();
  say_alive();
  refresh_.start(kRepetition);
  base::log_notice("announcing " + identity.igd1_location + " on " + lan_->settings.interface);
}

void Announcer::announce_lan_ipv6(const AnnounceLanIpv6& settings, base::Fd search_socket) {
  if (!lan_ || bool(search_socket) == settings.addresses.empty())
    fail("AnnounceLanIpv6 came before AnnounceLan, or without its socket");
  set_guarded_ipv6_networks(settings.addresses);
  // No byebye, for an address that has gone or before one that comes: the device is there, under
  // the same USN.
  ipv6_responder_.reset();
  if (settings.addresses.empty()) return;
  ipv6_responder_ = std::make_unique<SearchResponder>(
      loop_, std::move(search_socket),
      sites_for(settings.addresses, settings.http_port, lan_->device));
  if (!responder_) return;
  ipv6_responder_->say_alive();
  refresh_.start(kRepetition);
}

void Announcer::say_alive() const {
  if (responder_) responder_->say_alive();
  if (ipv6_responder_) ipv6_responder_->say_alive();
}

void Announcer::refresh() {
  say_alive();
  const seconds latest = lan_->device.max_age / 2 - kMargin;
  const seconds asked(lan_->settings.notify_interval);
  refresh_.start(random_interval(
      asked == seconds(0) ? latest : std::clamp(asked, kMinInterval, latest), random_));
}

void Announcer::state_variables(const StateVariables& state) {
  if (!publisher_) fail("StateVariables came before AnnounceLan");
  publisher_->update(state);
  watch_->look();
}

}  // namespace

int run_announcer(base::Fd channel, std::function<void()> lock_down) {
  Announcer(std::move(channel), std::move(lock_down)).run();
}

}  // namespace upnpd::announcer
