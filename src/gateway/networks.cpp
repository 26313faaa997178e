#include "networks.h"

#include <algorithm>

#include "log.h"

namespace upnpd::gateway {

Networks::Networks(const Config& config, kernel::InterfaceWatch watch,
                   kernel::LinkSpeedReader speeds)
    : config_(config), watch_(std::move(watch)), speeds_(std::move(speeds)) {
  internet_.wans.emplace_back();
}

std::expected<bool, std::string> Networks::follow(BootTime now) {
  auto snapshot = watch_.snapshot();
  if (!snapshot)
    return std::unexpected(
        base::with_errno("the interfaces cannot be read", snapshot.error().error));
  interfaces_ = *std::move(snapshot);
  const InternetSide before = std::exchange(internet_, read_internet());
  for (const WanSide& wan : internet_.wans) {
    const std::string name = wan.interface.value_or("");
    if (!wan.external_address)
      connected_since_.erase(name);
    else
      connected_since_.try_emplace(name, now);
  }
  tell_log();
  return internet_ != before;
}

InternetSide Networks::read_internet() {
  InternetSide internet = find_internet(config_, interfaces_);
  for (WanSide& wan : internet.wans)
    if (wan.link_up)
      if (const auto speed = speeds_.bits_per_second(*wan.interface))
        wan.bits_per_second = speed->value_or(0);
  return internet;
}

// One event of a WAN is several of its interface: what has been said is not said again.
void Networks::tell_log() {
  std::map<std::string, std::string> said;
  for (const WanSide& wan : internet_.wans) {
    const std::string name = wan.interface.value_or("(none)");
    const std::string address =
        wan.external_address ? wan.external_address->to_string() : "no address";
    const auto before = said_.find(name);
    if (before == said_.end() || before->second != address) {
      base::log_notice("WAN " + name + ": " + address);
      if (const std::string note = note_on(wan); !note.empty()) base::log_warning(note);
    }
    said.emplace(name, address);
  }
  said_ = std::move(said);
}

const WanSide& Networks::wan_of(const LanSide& lan) const {
  return internet_.of(config_, lan.name());
}

WanState Networks::wan_state(const LanSide& lan) const {
  const WanSide& wan = wan_of(lan);
  const std::uint32_t measured = bit_rate_variable(wan.bits_per_second);
  const auto since = connected_since_.find(wan.interface.value_or(""));
  const bool of_router = config_.system_uptime || since == connected_since_.end();
  return {lan.index(),
          wan.external_address ? ConnectionStatus::Connected : ConnectionStatus::Disconnected,
          wan.external_address,
          of_router ? BootTime() : since->second,
          config_.bitrate_up != 0 ? config_.bitrate_up : measured,
          config_.bitrate_down != 0 ? config_.bitrate_down : measured,
          wan.link_up,
          config_.policy.allow_pinholes};
}

LinkTotals Networks::link_totals(std::uint64_t id, const LanSide& lan) {
  const WanSide& wan = wan_of(lan);
  if (!wan.interface) return {id, 0, 0, 0, 0};
  const auto totals = watch_.link_totals(*wan.interface);
  if (!totals) return {id, 0, 0, 0, 0};
  return {id, totals->bytes_sent, totals->bytes_received, totals->packets_sent,
          totals->packets_received};
}

core::Surroundings Networks::core_surroundings(const Lans& lans) const {
  core::Surroundings core;
  for (const auto& lan : lans)
    core.lans.push_back({lan->index(), lan->networks(), lan->ipv6().addresses()});
  for (const kernel::RouterInterface& interface : interfaces_.interfaces) {
    for (const Ipv4Network& network : interface.addresses)
      core.own_addresses.push_back(network.address());
    for (const Ipv6Network& network : interface.ipv6_addresses)
      core.own_ipv6_addresses.push_back(network.address());
  }
  return core;
}

NatSurroundings Networks::nat_surroundings(const Lans& lans) const {
  NatSurroundings nat;
  for (const WanSide& wan : internet_.wans) {
    if (wan.interface) nat.wan_interfaces.push_back(*wan.interface);
    std::ranges::copy(wan.addresses, std::back_inserter(nat.external_addresses));
  }
  if (config_.wan6 && std::ranges::count(nat.wan_interfaces, *config_.wan6) == 0)
    nat.wan_interfaces.push_back(*config_.wan6);
  for (const auto& lan : lans)
    if (auto access = lan->access()) nat.lans.push_back(*std::move(access));
  return nat;
}

kernel::WanNames Networks::wan_names() const {
  const NatSurroundings nat = nat_surroundings({});
  kernel::WanNames names{nat.wan_interfaces, {}, nat.external_addresses};
  for (const WanSide& wan : internet_.wans)
    for (const kernel::RouterInterface& interface : interfaces_.interfaces)
      if (wan.interface == interface.name) names.interface_indexes.push_back(interface.index);
  return names;
}

std::string overlap_in(const Lans& lans) {
  for (auto one = lans.begin(); one != lans.end(); ++one)
    for (auto other = std::next(one); other != lans.end(); ++other)
      for (const Ipv4Network& network : (*one)->networks())
        for (const Ipv4Network& twin : (*other)->networks())
          if (network.first() == twin.first() && network.last() == twin.last())
            return "LANs " + (*one)->name() + " and " + (*other)->name() + " both have " +
                   network.to_string() + ": nobody there is mapped, since nobody could say whom";
  return "";
}

}  // namespace upnpd::gateway
