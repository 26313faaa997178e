// What requests about pinholes, and those over IPv6, need beside the core's decision: who is who on
// the LANs, and what only the kernel knows.
//
// A host that has sent nothing lately by the address it names is not in the neighbour table, and
// anybody can get into it by saying once that an address is his. Who has not answered a moment ago
// is looked for, as if there were a packet for it, and the request waits for a moment.
#include <algorithm>
#include <fstream>
#include <set>

#include "clock.h"
#include "gateway.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kLookAgain = 10ms;
// Neighbour discovery asks three times, a second apart; a host that is there answers at once.
constexpr auto kPatience = 2500ms;
// A connection that waits is not closed for another's sake, so these are few of the service's 64.
constexpr std::size_t kMaxWaitingOfHost = 4;
constexpr std::size_t kMaxWaitingOfLan = 16;

bool is_about_pinholes(const ServiceRequest& request) {
  return std::holds_alternative<AddPinhole>(request) ||
         std::holds_alternative<UpdatePinhole>(request) ||
         std::holds_alternative<DeletePinhole>(request) ||
         std::holds_alternative<GetPinholePackets>(request) ||
         std::holds_alternative<CheckPinholeWorking>(request);
}

bool is_over_ipv6(const ServiceRequest& request) {
  return std::holds_alternative<Ipv6Address>(head_of(request).caller);
}

bool adds_mapping(const ServiceRequest& request) {
  return std::holds_alternative<AddPortMapping>(request) ||
         std::holds_alternative<AddAnyPortMapping>(request);
}

// The InternalClient of a request that adds something, when it is one to be known by.
template <class Address, class Request>
std::optional<Address> client_in(const ServiceRequest& request) {
  const auto* const add = std::get_if<Request>(&request);
  const auto* const client =
      add == nullptr ? nullptr : std::get_if<Address>(&add->arguments.internal_client);
  return client == nullptr ? std::nullopt : std::optional(*client);
}

// The client whose host has to be known: AddPinhole's, and, where the caller is another address by
// nature, AddPortMapping's.
std::optional<IpAddress> client_of(const ServiceRequest& request) {
  if (const auto client = client_in<Ipv6Address, AddPinhole>(request))
    return PinholeClient::parse(*client) ? std::optional<IpAddress>(*client) : std::nullopt;
  if (!is_over_ipv6(request)) return std::nullopt;
  if (const auto client = client_in<Ipv4Address, AddPortMapping>(request)) return client;
  return client_in<Ipv4Address, AddAnyPortMapping>(request);
}

// Whether `address` could be that of a host behind an interface with these addresses.
template <class Network, class Address>
bool is_of_a_host(const std::vector<Network>& own, const Address& address) {
  return std::ranges::none_of(own, [&](const Network& n) { return n.address() == address; }) &&
         std::ranges::any_of(own, [&](const Network& n) { return n.contains(address); });
}

bool is_of_a_host(const kernel::RouterInterface& interface, const IpAddress& address) {
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&address))
    return is_of_a_host(interface.addresses, *ipv4);
  return is_of_a_host(interface.ipv6_addresses, std::get<Ipv6Address>(address));
}

// Seconds that connection tracking keeps an idle flow of this protocol.
std::uint32_t idle_timeout(std::uint16_t protocol) {
  std::ifstream file(protocol == static_cast<std::uint16_t>(Protocol::TCP)
                         ? "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established"
                         : "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream");
  std::uint32_t seconds = 0;
  return file >> seconds ? seconds : 0;
}

}  // namespace

core::Neighbours Gateway::known_neighbours(std::span<const ServiceRequest> requests) {
  std::set<IpAddress> callers;
  for (const ServiceRequest& request : requests)
    callers.insert(head_of(request).caller);
  for (const WaitingRequest& each : waiting_)
    callers.insert(head_of(each.request).caller);
  // Who asks has been answered, by TCP. Of IPv4 hosts the HostWatch takes care.
  const auto counts = [&](const kernel::NeighbourMessage& neighbour) {
    return neighbour.confirmed || std::holds_alternative<Ipv4Address>(neighbour.address) ||
           callers.contains(neighbour.address);
  };
  core::Neighbours known;
  const auto all = resources_.neighbours.snapshot();
  if (!all) {
    base::log_warning(base::with_errno("the neighbours cannot be read", all.error().error));
    return known;
  }
  for (const kernel::NeighbourMessage& neighbour : *all)
    for (const auto& lan : lans_)
      if (lan->interface_index() == neighbour.index && counts(neighbour))
        std::visit([&](const auto& address) { known.add(lan->index(), address, neighbour.mac); },
                   neighbour.address);
  return known;
}

// Whether the kernel looks for this host of that LAN now. It looks on the LAN's prefixes alone, so
// that nobody makes it look for the whole of the internet.
bool Gateway::look_for(LanIndex lan_index, const IpAddress& client) {
  const LanSide* const from = lan(lan_index);
  if (from == nullptr) return false;
  const auto& interfaces = networks_.interfaces().interfaces;
  const auto interface =
      std::ranges::find(interfaces, from->interface_index(), &kernel::RouterInterface::index);
  if (interface == interfaces.end() || !is_of_a_host(*interface, client)) return false;
  return resources_.neighbours.ask(interface->index, client).has_value();
}

bool Gateway::may_wait(const RequestHead& head, const core::Neighbours& known) const {
  const auto host = known.find(head.lan, head.caller);
  std::size_t of_lan = 0, of_host = 0;
  for (const WaitingRequest& each : waiting_) {
    const RequestHead& other = head_of(each.request);
    if (other.lan != head.lan) continue;
    ++of_lan;
    if (other.caller == head.caller || (host && known.find(head.lan, other.caller) == host))
      ++of_host;
  }
  return of_lan < kMaxWaitingOfLan && of_host < kMaxWaitingOfHost;
}

core::Neighbours Gateway::prepare_neighbours(std::vector<ServiceRequest>& requests) {
  // A mapping counts with the pinholes of its host, where there are any.
  const bool count_by_host = store_.mapper().pinholes().size() != 0;
  if (std::ranges::none_of(requests, [&](const ServiceRequest& r) {
        return is_about_pinholes(r) || is_over_ipv6(r) || (count_by_host && adds_mapping(r));
      }))
    return {};
  core::Neighbours known = known_neighbours(requests);
  std::vector<ServiceRequest> ready;
  for (ServiceRequest& request : requests) {
    const auto client = client_of(request);
    const RequestHead& head = head_of(request);
    const bool unknown = client && !known.find(head.lan, *client);
    if (unknown && may_wait(head, known) && look_for(head.lan, *client))
      waiting_.push_back({std::move(request), base::boot_now() + kPatience});
    else
      ready.push_back(std::move(request));
  }
  requests = std::move(ready);
  if (!waiting_.empty() && !waiting_timer_.is_running()) waiting_timer_.start(kLookAgain);
  return known;
}

void Gateway::serve_waiting() {
  const core::Neighbours known = known_neighbours({});
  const BootTime now = base::boot_now();
  std::vector<ServiceRequest> ready;
  std::vector<WaitingRequest> waiting;
  for (WaitingRequest& each : waiting_) {
    const auto client = client_of(each.request);
    const bool waits = now < each.until && !known.find(head_of(each.request).lan, *client);
    if (waits)
      waiting.push_back(std::move(each));
    else
      ready.push_back(std::move(each.request));
  }
  waiting_ = std::move(waiting);
  store_.mapper().set_neighbours(known);
  if (!ready.empty() && !stopping_) serve_batch(ready);
  if (!waiting_.empty()) waiting_timer_.start(kLookAgain);
}

Reply Gateway::reply_from_kernel(const ServiceRequest& request) {
  if (const auto* const packets = std::get_if<GetPinholePackets>(&request))
    return pinhole_traffic_reply(packets->head.id, packets->unique_id, false);
  if (const auto* const check = std::get_if<CheckPinholeWorking>(&request))
    return pinhole_traffic_reply(check->head.id, check->unique_id, true);
  if (const auto* const timeout = std::get_if<GetOutboundPinholeTimeout>(&request))
    return OutboundPinholeTimeout{timeout->head.id, idle_timeout(timeout->protocol)};
  const RequestHead& head = head_of(request);
  const LanSide* const from = lan(head.lan);
  return from == nullptr ? LinkTotals{head.id, 0, 0, 0, 0} : networks_.link_totals(head.id, *from);
}

Reply Gateway::pinhole_traffic_reply(std::uint64_t id, std::uint16_t unique_id, bool check) {
  const auto known = UniqueId::parse(unique_id);
  const Pinhole* const pinhole = known ? store_.mapper().pinholes().find(*known) : nullptr;
  if (pinhole == nullptr) return Refused{id, UpnpError::NoSuchEntry};
  const auto traffic = store_.nat().pinhole_traffic(pinhole->key);
  if (!traffic) return Refused{id, UpnpError::ActionFailed};
  if (!check) return PinholePackets{id, static_cast<std::uint32_t>(traffic->packets)};
  if (traffic->packets == 0) return Refused{id, UpnpError::NoTrafficReceived};
  return PinholeWorks{id};
}

}  // namespace upnpd::gateway
