#include "lan_side.h"

#include <algorithm>

#include "log.h"
#include "upnpd/config_id.h"

namespace upnpd::gateway {
namespace {

// Of an interface that cannot be served, in words that go after its name.
std::string what_is_missing(const std::string& name, const kernel::RouterInterfaces& interfaces) {
  if (Ipv4Network::parse(name)) return ": no interface has this address and is up";
  const auto found = std::ranges::find(interfaces.interfaces, name, &kernel::RouterInterface::name);
  if (found == interfaces.interfaces.end())
    return ", which does not exist: is another listening_ip meant?";
  return found->up ? " to have an IPv4 address" : ", which is down";
}

constexpr std::uint16_t kFirstUserPort = 1024;

}  // namespace

LanSide::LanSide(base::Loop& loop, LanIndex index, std::string name, const Config& config,
                 const Identity& identity, const Launcher& launcher, SupervisedChild& service,
                 Hooks hooks)
    : loop_(loop),
      index_(index),
      name_(std::move(name)),
      config_(config),
      identity_(identity),
      service_(service),
      hooks_(std::move(hooks)),
      preferred_event_port_(usual_event_port(index)),
      ipv6_(index),
      announcer_(loop, launcher, "announcer", "announcer " + name_,
                 {[this] { on_announcer_started(); },
                  [this](const std::vector<wire::Frame>& frames) { on_announcer_message(frames); },
                  [this] { hooks_.ended(); }}) {}

std::optional<LanSide::Link> LanSide::find_link(const kernel::RouterInterfaces& interfaces) const {
  const auto named = Ipv4Network::parse(name_);
  for (const kernel::RouterInterface& interface : interfaces.interfaces) {
    const bool matches = named ? std::ranges::any_of(interface.addresses,
                                                     [&](const Ipv4Network& n) {
                                                       return n.address() == named->address();
                                                     })
                               : interface.name == name_;
    if (matches && interface.up && !interface.addresses.empty())
      return Link{interface.name, interface.index, interface.addresses};
  }
  return std::nullopt;
}

void LanSide::update(const kernel::RouterInterfaces& interfaces) {
  const auto link = find_link(interfaces);
  wants_retry_ = false;
  if (!link) complain("waiting for interface " + name_ + what_is_missing(name_, interfaces));
  if (link == link_ && (!link || listener_)) return update_ipv6(interfaces);
  const bool same_place = link && link_ && listener_ && link->is_where(*link_);
  if (link_ && !same_place) take_down();
  if (same_place) {
    base::log_notice("LAN " + link->interface + " has other networks now");
    link_ = link;
    announce_anew();
  } else if (link) {
    bring_up(*link);
  }
  update_ipv6(interfaces);
  hooks_.access_changed();
}

void LanSide::update_ipv6(const kernel::RouterInterfaces& interfaces) {
  if (!link_) return;
  const auto interface = std::ranges::find(interfaces.interfaces, link_->interface_index,
                                           &kernel::RouterInterface::index);
  if (interface == interfaces.interfaces.end()) return;
  const bool changed = ipv6_.update(
      link_->interface, config_.ipv6 ? interface->ipv6_addresses : std::vector<Ipv6Network>(),
      listener_->port);
  wants_retry_ = wants_retry_ || !ipv6_.problem().empty();
  if (!changed) return;
  if (event_port_ != 0) {
    ipv6_.serve(service_, event_port_);
    if (!ipv6_.is_served()) ipv6_.announce(announcer_);
  }
  hooks_.access_changed();
}

void LanSide::bring_up(const Link& link) {
  auto listener = open_listener(link);
  if (!listener) {
    wants_retry_ = true;
    return complain(listener.error());
  }
  problem_.clear();
  link_ = link;
  listener_ = *std::move(listener);
  control_bell_ = std::make_unique<Doorbell>(loop_, listener_->fd, service_);
  base::log_notice("LAN " + link.interface + " " + link.addresses.front().to_string() +
                   ": serving on port " + std::to_string(listener_->port));
  announcer_.start();
}

std::expected<HttpListener, std::string> LanSide::open_listener(const Link& link) const {
  const Ipv4Address address = link.addresses.front().address();
  if (config_.http_port != 0) return open_http_listener(link.interface, address, config_.http_port);
  auto usual = open_http_listener(link.interface, address, usual_http_port(identity_.uuid, index_));
  return usual ? std::move(usual) : open_http_listener(link.interface, address, 0);
}

void LanSide::take_down() {
  base::log_notice("LAN " + link_->interface + " " + link_->addresses.front().to_string() +
                   " is gone");
  link_.reset();
  control_bell_.reset();
  listener_.reset();
  event_port_ = 0;
  ipv6_.take_down();
  for (const IpFamily family : {IpFamily::V4, IpFamily::V6})
    service_.send(LeaveLan{index_, family});
  stop();
}

void LanSide::leave() {
  if (!link_) return;
  take_down();
  hooks_.access_changed();
}

void LanSide::announce_anew() {
  if (!link_) return;
  announcer_.expect_end();
  announcer_.send(StopAnnouncing{});
  announcer_.start();
}

void LanSide::stop() {
  link_.reset();
  search_bell_.reset();
  search_socket_ = base::Fd();
  announcer_.expect_end();
  announcer_.send(StopAnnouncing{});
}

void LanSide::on_announcer_started() {
  is_ready_ = false;
  if (!link_) return;
  const Ipv4Network& address = link_->addresses.front();
  auto socket = open_search_socket(link_->interface, address.address());
  if (!socket) return announcer_.kill(socket.error());
  search_bell_.reset();
  search_socket_ = *std::move(socket);
  search_bell_ = std::make_unique<Doorbell>(loop_, search_socket_, announcer_);
  announcer_.send(
      AnnounceLan{index_, link_->interface, address, listener_->port, preferred_event_port_,
                  config_.notify_interval, identity_.uuid, identity_.path_token,
                  description_hash(device_identity(identity_, config_)), further_networks()},
      search_socket_.get());
}

void LanSide::on_announcer_message(const std::vector<wire::Frame>& frames) {
  for (const wire::Frame& frame : frames) {
    const auto message = wire::decode<FromAnnouncer>(frame.bytes);
    if (!message)
      return announcer_.kill(std::string("it sent a frame of ") + to_string(message.error()));
    if (std::holds_alternative<Pong>(*message)) announcer_.on_pong();
    const auto* const ready = std::get_if<AnnouncerReady>(&*message);
    if (ready == nullptr || !link_) continue;
    // The guard closes that port on every other interface: no child closes the router's own.
    if (is_ready_ || ready->event_port < kFirstUserPort)
      return announcer_.kill("it says twice where it listens, or says a port that it cannot have");
    is_ready_ = true;
    preferred_event_port_ = event_port_ = ready->event_port;
    announces_ = false;
    serve();
    hooks_.access_changed();
  }
}

// IPv6 first: the answers come in this order, and the announcer, which begins with IPv4's, revokes
// what was announced by both families before it says alive by either.
void LanSide::serve() {
  if (ipv6_.is_served()) ipv6_.serve(service_, event_port_);
  service_.send(ServeLan{index_,
                         link_->interface,
                         IpFamily::V4,
                         {link_->addresses.front()},
                         listener_->port,
                         event_port_,
                         further_networks()},
                listener_->fd.get());
}

void LanSide::tell_service() {
  if (link_ && event_port_ != 0) serve();
}

void LanSide::on_served(const LanServed& served) {
  if (!link_ || served.event_port != event_port_) return;
  if (served.family == IpFamily::V6) return ipv6_.announce(announcer_);
  if (announces_) return;
  announces_ = true;
  announcer_.send(hooks_.state_variables(*this));
  announcer_.send(StartAnnouncing{});
}

std::optional<LanAccess> LanSide::access() const {
  if (!link_) return std::nullopt;
  LanAccess access{link_->interface, networks(), {listener_->port}};
  if (event_port_ != 0) access.tcp_ports.push_back(event_port_);
  if (ipv6_.is_served() && ipv6_.http_port() != listener_->port)
    access.tcp_ports.push_back(ipv6_.http_port());
  return access;
}

std::vector<Ipv4Network> LanSide::own_networks() const {
  return link_ ? link_->addresses : std::vector<Ipv4Network>();
}

std::vector<Ipv4Network> LanSide::networks() const {
  if (!link_) return {};
  std::vector<Ipv4Network> networks = own_networks();
  const auto [first, last] = config_.lan_prefixes.equal_range(name_);
  for (auto prefix = first; prefix != last; ++prefix)
    networks.push_back(prefix->second);
  return networks;
}

std::vector<Ipv4Network> LanSide::further_networks() const {
  auto networks = this->networks();
  networks.erase(networks.begin());
  return networks;
}

void LanSide::complain(const std::string& problem) {
  if (problem != problem_) base::log_warning("LAN " + name_ + ": " + problem);
  problem_ = problem;
}

}  // namespace upnpd::gateway
