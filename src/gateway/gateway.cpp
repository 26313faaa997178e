#include "gateway.h"

#include <signal.h>

#include <algorithm>
#include <map>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kStopPatience = 1500ms;
constexpr auto kPublishPause = 100ms;
constexpr auto kRetryPause = 5s;

}  // namespace

Gateway::Gateway(Config config, Resources resources)
    : config_(std::move(config)),
      resources_(std::move(resources)),
      store_(loop_, config_, std::move(resources_.nat), std::move(resources_.flow_ender),
             [this] { plan_publish(); }),
      service_(
          loop_, resources_.launcher, "igd", "igd service",
          {[this] { on_service_started(); },
           [this](const std::vector<wire::Frame>& frames) { on_service_frames(frames); }, [] {}}),
      admin_(loop_, std::move(resources_.admin_socket),
             [this](const base::Json& request) { return administer(request); }),
      interface_watcher_(loop_, resources_.interface_watch.fd(), base::Interest::Read,
                         [this] {
                           if (resources_.interface_watch.drain().value_or(true))
                             on_interfaces_changed();
                         }),
      terminate_(loop_, SIGTERM, [this] { begin_stop(); }),
      interrupt_(loop_, SIGINT, [this] { begin_stop(); }),
      hang_up_(loop_, SIGHUP, [this] { (void)reload(); }),
      user_(loop_, SIGUSR1, [this] { on_interfaces_changed(); }),
      retry_timer_(loop_, [this] { on_interfaces_changed(); }),
      waiting_timer_(loop_, [this] { serve_waiting(); }),
      publish_timer_(loop_,
                     [this] {
                       service_.send(state_variables());
                       for (const auto& lan : lans_)
                         lan->publish(state_variables());
                     }),
      stop_timer_(loop_, [this] { loop_.stop(); }),
      sweep_timer_(loop_, [this] { drop_ended_lans(); }) {
  for (const std::string& name : config_.lans)
    add_lan(name);
}

int Gateway::run() {
  if (const auto opened = store_.open(); !opened) {
    base::log_error(opened.error());
    return 1;
  }
  if (config_.enable_upnp) service_.start();
  on_interfaces_changed();
  base::log_notice("serving " + std::to_string(store_.mapper().table().size()) + " mappings and " +
                   std::to_string(store_.mapper().pinholes().size()) +
                   " pinholes; IPv6: " + ipv6_reach(config_));
  loop_.run();
  finish_stop();
  return 0;
}

void Gateway::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  base::log_notice("stopping: every port is closed");
  for (const auto& lan : lans_)
    lan->stop();
  service_.expect_end();
  stop_timer_.start(kStopPatience);
  stop_when_quiet();
}

void Gateway::stop_when_quiet() {
  if (stopping_ && std::ranges::all_of(lans_, [](const auto& lan) { return lan->has_ended(); }))
    loop_.stop();
}

void Gateway::finish_stop() {
  store_.close();
  std::error_code ignored;
  std::filesystem::remove(config_.admin_socket, ignored);
}

void Gateway::on_interfaces_changed() {
  auto snapshot = resources_.interface_watch.snapshot();
  if (!snapshot) {
    base::log_error(base::with_errno("the interfaces cannot be read", snapshot.error().error));
    return;
  }
  interfaces_ = *std::move(snapshot);
  const WanSide before = std::exchange(wan_, read_wan());
  if (wan_ != before) {
    if (wan_.external_address && !before.external_address) connected_since_ = base::boot_now();
    base::log_notice("WAN " + wan_.interface.value_or("(none)") + ": " +
                     (wan_.external_address ? wan_.external_address->to_string() : "no address"));
    if (const std::string note = note_on(wan_); !note.empty()) base::log_warning(note);
    tell_wan_state();
    plan_publish();
  }
  if (config_.enable_upnp && !stopping_)
    for (const auto& lan : lans_)
      lan->update(interfaces_);
  if (std::ranges::any_of(lans_, [](const auto& lan) { return lan->wants_retry(); }))
    retry_timer_.start(kRetryPause);
  apply_surroundings();
}

WanSide Gateway::read_wan() {
  WanSide wan = find_wan(config_, interfaces_);
  if (!wan.link_up) return wan;
  if (const auto speed = resources_.link_speeds.bits_per_second(*wan.interface))
    wan.bits_per_second = speed->value_or(0);
  return wan;
}

void Gateway::apply_surroundings() {
  NatSurroundings nat;
  core::Surroundings core;
  if (wan_.interface) nat.wan_interfaces.push_back(*wan_.interface);
  if (config_.wan6 && config_.wan6 != wan_.interface) nat.wan_interfaces.push_back(*config_.wan6);
  nat.external_addresses = wan_.addresses;
  for (const auto& lan : lans_) {
    core.lans.push_back({lan->index(), lan->networks(), lan->ipv6().addresses()});
    if (auto access = lan->access()) nat.lans.push_back(*std::move(access));
  }
  for (const kernel::RouterInterface& interface : interfaces_.interfaces) {
    for (const Ipv4Network& network : interface.addresses)
      core.own_addresses.push_back(network.address());
    for (const Ipv6Network& network : interface.ipv6_addresses)
      core.own_ipv6_addresses.push_back(network.address());
  }
  wan_names_ = {nat.wan_interfaces, {}, wan_.addresses};
  for (const kernel::RouterInterface& interface : interfaces_.interfaces)
    if (wan_.interface == interface.name) wan_names_.interface_indexes.push_back(interface.index);
  store_.mapper().set_surroundings(std::move(core));
  store_.set_surroundings(std::move(nat));
}

WanState Gateway::wan_state(LanIndex lan) const {
  const std::uint32_t measured = bit_rate_variable(wan_.bits_per_second);
  return {lan,
          wan_.external_address ? ConnectionStatus::Connected : ConnectionStatus::Disconnected,
          wan_.external_address,
          config_.system_uptime ? BootTime() : connected_since_,
          config_.bitrate_up != 0 ? config_.bitrate_up : measured,
          config_.bitrate_down != 0 ? config_.bitrate_down : measured,
          wan_.link_up,
          config_.policy.allow_pinholes};
}

StateVariables Gateway::state_variables() const {
  const WanState wan = wan_state(0);
  return {
      wan.status,
      wan.external_address,
      static_cast<std::uint16_t>(std::min<std::size_t>(store_.mapper().table().size(), UINT16_MAX)),
      store_.mapper().system_update_id(),
      wan.link_up,
      wan.inbound_pinhole_allowed};
}

void Gateway::tell_wan_state() {
  for (const auto& lan : lans_)
    service_.send(wan_state(lan->index()));
}

void Gateway::plan_publish() {
  if (!publish_timer_.is_running()) publish_timer_.start(kPublishPause);
}

void Gateway::on_service_started() {
  waiting_.clear();  // the former service's, whose ids mean nothing to this one
  service_.send(device_identity());
  tell_wan_state();
  service_.send(state_variables());
  for (const auto& lan : lans_)
    lan->tell_service();
}

DeviceIdentity Gateway::device_identity() const {
  const Config& c = config_;
  return {resources_.identity.uuid,
          resources_.identity.path_token,
          c.friendly_name,
          c.manufacturer,
          c.manufacturer_url,
          c.model_name,
          c.model_description,
          c.model_number,
          c.model_url,
          c.serial,
          c.presentation_url};
}

LanSide* Gateway::lan(LanIndex index) {
  const auto found = std::ranges::find(lans_, index, &LanSide::index);
  return found == lans_.end() ? nullptr : found->get();
}

}  // namespace upnpd::gateway
