#include "host_watch.h"

#include <algorithm>
#include <set>
#include <utility>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kLookAgain = 100ms;
// A caller's hardware address is looked up once in this time, however much it asks.
constexpr auto kLately = 100ms;
// ARP asks three times, a second apart.
constexpr auto kPatience = 3500ms;
// An interface that is set up anew loses its addresses one after the other, and gets others.
constexpr auto kSettled = 10s;

// Of AddPortMapping or AddAnyPortMapping; null for what adds nothing.
const PortMappingArguments* arguments_of(const ServiceRequest& request) {
  if (const auto* const add = std::get_if<AddPortMapping>(&request)) return &add->arguments;
  const auto* const add_any = std::get_if<AddAnyPortMapping>(&request);
  return add_any == nullptr ? nullptr : &add_any->arguments;
}

// Whom it maps.
std::optional<Ipv4Address> client_of(const ServiceRequest& request) {
  const PortMappingArguments* const arguments = arguments_of(request);
  if (arguments == nullptr) return std::nullopt;
  if (const auto* const named = std::get_if<Ipv4Address>(&arguments->internal_client))
    return *named;
  const auto* const caller = std::get_if<Ipv4Address>(&head_of(request).caller);
  return caller == nullptr ? std::nullopt : std::optional(*caller);
}

// What another client has of the port it asks for.
const PortMapping* conflict_of(const ServiceRequest& request, const core::MappingTable& table) {
  const PortMappingArguments* const arguments = arguments_of(request);
  if (arguments == nullptr) return nullptr;
  const auto* const protocol = std::get_if<Protocol>(&arguments->protocol);
  const auto port = ExternalPort::parse(arguments->external_port);
  const auto address = client_of(request);
  const auto client = address ? InternalClient::parse(*address) : std::nullopt;
  if (protocol == nullptr || !port || !client) return nullptr;
  return table.find_conflict(*protocol, *port, *client);
}

bool is_of_another(const PortMapping& mapping, const MacAddress& mac) {
  return mapping.host != MacAddress{} && mapping.host != mac;
}

}  // namespace

HostWatch::HostWatch(base::Loop& loop, const Config& config, MappingStore& store,
                     kernel::NeighbourTable& neighbours, kernel::NeighbourWatch watch,
                     LinkOf link_of)
    : config_(config),
      store_(store),
      neighbours_(neighbours),
      watch_(std::move(watch)),
      link_of_(std::move(link_of)),
      watcher_(loop, watch_.fd(), base::Interest::Read,
               [this] {
                 for (const Ipv4Address host : watch_.drain().value_or(std::vector<Ipv4Address>()))
                   ask(host);
               }),
      answer_timer_(loop, [this] { hear_answers(); }),
      question_timer_(loop, [this] { ask_due(); }),
      stranded_timer_(loop, [this] { remove_stranded(); }) {}

void HostWatch::follow() {
  std::vector<kernel::WatchedHost> hosts;
  std::set<Ipv4Address> with_permanent;
  const core::MappingTable& table = store_.mapper().table();
  for (const Ipv4Address client : table.clients()) {
    if (!link_of_(client)) continue;
    for (const MacAddress& host : table.hosts_of(client))
      hosts.push_back({client, host});
    if (table.has_permanent(client)) with_permanent.insert(client);
  }
  std::ranges::sort(hosts);
  if (hosts != watched_) {
    watched_ = std::move(hosts);
    if (const auto watched = watch_.watch(watched_); !watched)
      base::log_warning(base::with_errno(watched.error().what, watched.error().error));
  }
  presence_.set_timeout(std::chrono::seconds(config_.absent_host_timeout));
  presence_.set_hosts(with_permanent, base::boot_now());
  follow_stranded();
  plan_questions();
}

bool HostWatch::is_stranded(Ipv4Address client) const {
  return core::is_stranded(client, store_.mapper().surroundings());
}

void HostWatch::follow_stranded() {
  const BootTime now = base::boot_now();
  std::map<Ipv4Address, BootTime> stranded;
  std::optional<BootTime> first;
  for (const Ipv4Address client : store_.mapper().table().clients()) {
    if (link_of_(client) || !is_stranded(client)) continue;
    const auto before = stranded_.find(client);
    const BootTime since = before == stranded_.end() ? now : before->second;
    stranded.emplace(client, since);
    first = std::min(first.value_or(since), since);
  }
  stranded_ = std::move(stranded);
  if (!first) return stranded_timer_.stop();
  stranded_timer_.start(std::max(*first + kSettled - now, std::chrono::milliseconds(0)));
}

void HostWatch::remove_stranded() {
  const BootTime now = base::boot_now();
  for (const auto& [client, since] : std::exchange(stranded_, {})) {
    if (now - since >= kSettled)
      remove(client, "is on no LAN's network any more", [](const PortMapping&) { return true; });
    else
      stranded_.emplace(client, since);
  }
  follow_stranded();
}

std::optional<kernel::NeighbourMessage> HostWatch::look_up(Ipv4Address host) {
  const auto link = link_of_(host);
  return link ? neighbours_.find(*link, host).value_or(std::nullopt) : std::nullopt;
}

const std::optional<kernel::NeighbourMessage>& HostWatch::look_up_lately(Ipv4Address host,
                                                                         BootTime now) {
  if (now - lately_ >= kLately) {
    seen_lately_.clear();
    lately_ = now;
  }
  const auto [entry, is_new] = seen_lately_.try_emplace(host);
  if (is_new) entry->second = look_up(host);
  return entry->second;
}

bool HostWatch::has_changed_hands(const kernel::NeighbourMessage& neighbour,
                                  Ipv4Address host) const {
  const auto remembered = store_.mapper().table().hosts_of(host);
  return std::ranges::any_of(remembered,
                             [&](const MacAddress& mac) { return mac != neighbour.mac; });
}

void HostWatch::meet(const std::vector<ServiceRequest>& requests, core::Neighbours& known) {
  const BootTime now = base::boot_now();
  std::set<Ipv4Address> met;
  for (const ServiceRequest& request : requests) {
    const RequestHead& head = head_of(request);
    // Over IPv6 the host is known by its hardware address already.
    const auto* const caller = std::get_if<Ipv4Address>(&head.caller);
    if (caller != nullptr) presence_.seen(*caller, now);
    for (const auto host :
         {caller == nullptr ? std::nullopt : std::optional(*caller), client_of(request)}) {
      if (!host || !met.insert(*host).second) continue;
      const auto& neighbour = look_up_lately(*host, now);
      if (!neighbour) continue;
      if (core::is_host_of(*host, head.lan, store_.mapper().surroundings()))
        known.add(head.lan, *host, neighbour->mac);
      if (has_changed_hands(*neighbour, *host)) ask(*host);
    }
    meet_again(request, known);
  }
}

// In the way of whom a request maps is perhaps itself, by the address it had before. The request is
// answered with the conflict, and the next one finds the port free.
void HostWatch::meet_again(const ServiceRequest& request, const core::Neighbours& known) {
  const PortMapping* const conflict = conflict_of(request, store_.mapper().table());
  if (conflict == nullptr || conflict->host == MacAddress{}) return;
  const Ipv4Address present = *client_of(request);
  const core::LanHost host{head_of(request).lan, conflict->host};
  if (known.find(host.lan, present) != host.mac) return;
  const Ipv4Address former = conflict->client.address();
  // Where there is no such network any more, nobody needs to be asked.
  const bool stranded = is_stranded(former);
  if (!stranded && !core::is_host_of(former, host.lan, store_.mapper().surroundings())) return;
  moved_.insert_or_assign(former, Moved{host, present});
  if (stranded) return take_over_from(former);
  ask(former);
  if (!asked_.contains(former)) moved_.erase(former);
}

// Several hosts share one hardware address when they are behind something that answers ARP for
// them. Then nobody could say which of them has another address now.
bool HostWatch::is_one_hosts(const core::LanHost& host, Ipv4Address former, Ipv4Address present) {
  const auto is_third = [&](Ipv4Address address) {
    return address != former && address != present;
  };
  if (std::ranges::any_of(store_.mapper().table().clients_of(host), is_third)) return false;
  const auto link = link_of_(present);
  const auto neighbours = neighbours_.snapshot();
  return neighbours && std::ranges::none_of(*neighbours, [&](const kernel::NeighbourMessage& each) {
           const auto* const address = std::get_if<Ipv4Address>(&each.address);
           return address != nullptr && each.confirmed && each.index == link &&
                  each.mac == host.mac && is_third(*address);
         });
}

void HostWatch::take_over_from(Ipv4Address former) {
  const auto found = moved_.extract(former);
  if (!found || !is_one_hosts(found.mapped().host, former, found.mapped().present)) return;
  const auto& [host, present] = found.mapped();
  remove(former, "is " + present.to_string() + " now, " + upnpd::to_string(host.mac),
         [&](const PortMapping& mapping) { return mapping.host == host.mac; });
}

void HostWatch::ask(Ipv4Address host) {
  const auto link = link_of_(host);
  if (!link) return presence_.seen(host, base::boot_now());  // nobody could answer
  if (const auto known = look_up(host); known && known->pinned) return answered(host, known->mac);
  if (!asked_.try_emplace(host, base::boot_now() + kPatience).second) return;
  if (const auto asked = neighbours_.ask(*link, host); !asked)
    base::log_warning(base::with_errno("asking for " + host.to_string(), asked.error().error));
  if (!answer_timer_.is_running()) answer_timer_.start(kLookAgain);
}

void HostWatch::ask_due() {
  for (const Ipv4Address host : presence_.take_due(base::boot_now()))
    ask(host);
  plan_questions();
}

void HostWatch::hear_answers() {
  const BootTime now = base::boot_now();
  for (auto next = asked_.begin(); next != asked_.end();) {
    const auto [host, until] = *next;
    const auto known = look_up(host);
    const bool confirmed = known && known->confirmed;
    if (!confirmed && now < until) {
      ++next;
      continue;
    }
    next = asked_.erase(next);
    if (confirmed)
      answered(host, known->mac);
    else if (known || !link_of_(host))  // not asked, or somebody says so who does not answer
      presence_.seen(host, now);
    else
      missed(host);
    moved_.erase(host);
  }
  if (!asked_.empty()) answer_timer_.start(kLookAgain);
  plan_questions();
}

void HostWatch::answered(Ipv4Address host, const MacAddress& mac) {
  presence_.seen(host, base::boot_now());
  remove(host, "is another host now, " + upnpd::to_string(mac),
         [&](const PortMapping& mapping) { return is_of_another(mapping, mac); });
}

void HostWatch::missed(Ipv4Address host) {
  take_over_from(host);
  if (!presence_.missed(host, base::boot_now())) return;
  remove(host, "has been absent for absent_host_timeout",
         [](const PortMapping& mapping) { return !mapping.expires; });
}

void HostWatch::remove(Ipv4Address host, const std::string& why,
                       const std::function<bool(const PortMapping&)>& which) {
  const core::Outcome outcome = store_.mapper().remove_of(host, which);
  if (outcome.events.empty()) return;
  base::log_notice(host.to_string() + " " + why + ": its mappings go");
  if (!store_.carry_out(outcome, base::boot_now())) base::log_error(store_.kernel_fault());
}

void HostWatch::plan_questions() {
  const auto deadline = presence_.next_deadline();
  if (!deadline) return question_timer_.stop();
  question_timer_.start(std::max(*deadline - base::boot_now(), std::chrono::milliseconds(0)));
}

}  // namespace upnpd::gateway
