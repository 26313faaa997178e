#include "gateway.h"

#include <signal.h>

#include <algorithm>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kStopPatience = 1500ms;
constexpr auto kPublishPause = 100ms;
// A socket that could not be had may be free at once, or not for long.
constexpr std::chrono::milliseconds kFirstRetryPause = 100ms, kLongestRetryPause = 5s;

}  // namespace

Gateway::Gateway(Config config, Resources resources)
    : config_(std::move(config)),
      resources_(std::move(resources)),
      store_(loop_, config_, std::move(resources_.nat), std::move(resources_.flow_ender),
             [this] { on_table_changed(); }),
      networks_(config_, std::move(resources_.interface_watch), std::move(resources_.link_speeds)),
      hosts_(loop_, config_, store_, resources_.neighbours, std::move(resources_.neighbour_watch),
             [this](Ipv4Address host) { return link_of(host); }),
      service_(
          loop_, resources_.launcher, "igd", "igd service",
          {[this] { on_service_started(); },
           [this](const std::vector<wire::Frame>& frames) { on_service_frames(frames); }, [] {}}),
      admin_(loop_, std::move(resources_.admin_socket),
             [this](const base::Json& request) { return administer(request); }),
      interface_watcher_(loop_, networks_.fd(), base::Interest::Read,
                         [this] {
                           if (networks_.drain()) on_interfaces_changed();
                         }),
      terminate_(loop_, SIGTERM, [this] { begin_stop(); }),
      interrupt_(loop_, SIGINT, [this] { begin_stop(); }),
      hang_up_(loop_, SIGHUP, [this] { (void)reload(); }),
      user_(loop_, SIGUSR1, [this] { on_interfaces_changed(); }),
      retry_timer_(loop_, [this] { on_interfaces_changed(); }),
      waiting_timer_(loop_, [this] { serve_waiting(); }),
      publish_timer_(loop_, [this] { publish(); }),
      stop_timer_(loop_, [this] { loop_.stop(); }),
      sweep_timer_(loop_, [this] { drop_ended_lans(); }) {
  retry_pause_ = kFirstRetryPause;
  for (const std::string& name : config_.lans)
    add_lan(name);
}

void Gateway::run() {
  if (config_.enable_upnp) service_.start();
  on_interfaces_changed();
  base::log_notice("serving; mappings: " + std::to_string(store_.mapper().table().size()) +
                   ", pinholes: " + std::to_string(store_.mapper().pinholes().size()) +
                   ", IPv6: " + ipv6_reach(config_));
  loop_.run();
  finish_stop();
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
  const auto internet_changed = networks_.follow(base::boot_now());
  if (!internet_changed) {
    base::log_error(internet_changed.error());
    return plan_retry();
  }
  if (*internet_changed) {
    tell_wan_state();
    plan_publish();
  }
  if (config_.enable_upnp && !stopping_)
    for (const auto& lan : lans_)
      lan->update(networks_.interfaces());
  if (std::ranges::any_of(lans_, [](const auto& lan) { return lan->wants_retry(); }))
    plan_retry();
  else
    retry_pause_ = kFirstRetryPause;
  apply_surroundings();
}

void Gateway::plan_retry() {
  retry_timer_.start(retry_pause_);
  retry_pause_ = std::min(2 * retry_pause_, kLongestRetryPause);
}

void Gateway::apply_surroundings() {
  store_.mapper().set_surroundings(networks_.core_surroundings(lans_));
  store_.set_surroundings(networks_.nat_surroundings(lans_));
  hosts_.follow();
  const std::string before = std::exchange(overlap_, overlap_in(lans_));
  if (overlap_ != before && !overlap_.empty()) base::log_warning(overlap_);
}

StateVariables Gateway::state_variables(const LanSide& lan) const {
  const WanState wan = networks_.wan_state(lan);
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
    service_.send(networks_.wan_state(*lan));
}

// The service asks of these only what is the same on every LAN.
void Gateway::publish() {
  hosts_.follow();
  service_.send(state_variables(*lans_.front()));
  for (const auto& lan : lans_)
    lan->publish(state_variables(*lan));
}

void Gateway::on_table_changed() {
  on_entries_changed();
  plan_publish();
}

void Gateway::plan_publish() {
  if (!publish_timer_.is_running()) publish_timer_.start(kPublishPause);
}

void Gateway::on_service_started() {
  waiting_.clear();  // the former service's, whose ids mean nothing to this one
  sent_following_ = false;
  service_.send(device_identity(resources_.identity, config_));
  tell_wan_state();
  service_.send(state_variables(*lans_.front()));
  for (const auto& lan : lans_)
    lan->tell_service();
}

std::optional<int> Gateway::link_of(Ipv4Address host) {
  const auto index = core::lan_of_host(host, store_.mapper().surroundings());
  const LanSide* const at = index ? lan(*index) : nullptr;
  if (at == nullptr || !any_contains_host(at->own_networks(), host)) return std::nullopt;
  return at->interface_index();
}

LanSide* Gateway::lan(LanIndex index) {
  const auto found = std::ranges::find(lans_, index, &LanSide::index);
  return found == lans_.end() ? nullptr : found->get();
}

}  // namespace upnpd::gateway
