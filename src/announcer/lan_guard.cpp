#include "lan_guard.h"

#include <algorithm>

namespace upnpd::announcer {

namespace {

bool is_own(const GuardedLan& lan, const IpAddress& address) {
  return address == IpAddress(lan.network.address()) ||
         std::ranges::any_of(lan.ipv6_networks, [&](const IpNetwork& network) {
           return address_of(network) == address;
         });
}

Ipv4Address netmask_of(const Ipv4Network& network) {
  return Ipv4Address::from_host_order(
      ~(network.last().host_order() ^ network.first().host_order()));
}

}  // namespace

bool is_on(const GuardedLan& lan, const IpAddress& address) {
  const auto* const ipv4 = std::get_if<Ipv4Address>(&address);
  return contains_host(lan.network, address) ||
         (ipv4 != nullptr && any_contains_host(lan.further_networks, *ipv4)) ||
         std::ranges::any_of(lan.ipv6_networks, [&](const IpNetwork& network) {
           return contains_host(network, address);
         });
}

bool may_connect(const GuardedLan& lan, Purpose purpose, const IpAddress& to, std::uint16_t port) {
  switch (purpose) {
    case Purpose::Callback: return is_on(lan, to) && !is_own(lan, to) && port != 0;
    case Purpose::Description:
      return to == IpAddress(lan.network.address()) && port == lan.description_port;
  }
  return false;
}

std::optional<IpAddress> named_by(const GuardedLan& lan, const IpAddress& peer,
                                  std::string_view literal) {
  const auto named = parse_ip_address(literal);
  if (!named) return std::nullopt;
  const bool is_libupnps =
      *named == IpAddress(lan.network.address()) || *named == IpAddress(netmask_of(lan.network));
  if (std::holds_alternative<Ipv4Address>(peer))
    return *named == peer || is_libupnps ? named : std::nullopt;
  if (is_libupnps) return Ipv4Address::from_host_order(0);
  return *named == peer || is_own(lan, *named) ? named : std::nullopt;
}

Connections::Connection* Connections::at(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= kMaxFd) return nullptr;
  return &connections_[static_cast<std::size_t>(fd)];
}

bool Connections::is_one_too_many(const IpAddress& peer,
                                  const std::optional<MacAddress>& host) const {
  unsigned of_peer = 0, of_host = 0, over_ipv6 = 0;
  for (const Connection& each : connections_) {
    if (!each.open || !each.peer) continue;
    if (*each.peer == peer) ++of_peer;
    if (host && each.host == host) ++of_host;
    if (std::holds_alternative<Ipv6Address>(*each.peer)) ++over_ipv6;
  }
  const bool is_ipv6 = std::holds_alternative<Ipv6Address>(peer);
  return of_peer >= kMaxPerPeer || of_host >= kMaxPerHost || (is_ipv6 && over_ipv6 >= kMaxOverIpv6);
}

bool Connections::accepted(int fd, const IpAddress& peer, BootTime now,
                           const std::optional<MacAddress>& host) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  if (connection == nullptr || is_one_too_many(peer, host)) return false;
  // It may have to wait for a thread as long as another connection may last.
  *connection = Connection{
      .open = true, .since = now, .due = now + kMaxTime + kPatience, .peer = peer, .host = host};
  return true;
}

void Connections::connected(int fd, BootTime now) {
  const std::lock_guard lock(mutex_);
  if (Connection* const connection = at(fd))
    *connection = Connection{.open = true, .since = now, .due = now + kConnectTime + kPatience};
}

void Connections::closed(int fd) {
  const std::lock_guard lock(mutex_);
  if (Connection* const connection = at(fd)) *connection = Connection{};
}

bool Connections::received(int fd, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  if (connection == nullptr || !connection->open) return true;
  connection->received += bytes;
  return connection->received <= kMaxBytes;
}

std::optional<std::chrono::milliseconds> Connections::time_left(int fd, BootTime now) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  if (connection == nullptr || !connection->open) return std::nullopt;
  const auto left = std::max(connection->since + kMaxTime - now, std::chrono::milliseconds(0));
  connection->due = now + left + kPatience;
  return left;
}

void Connections::resumed(int fd, BootTime now) {
  const std::lock_guard lock(mutex_);
  if (Connection* const connection = at(fd)) connection->due = now + kPatience;
}

bool Connections::is_any_open() {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(connections_, &Connection::open);
}

bool Connections::is_any_overdue(BootTime now) {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(connections_,
                             [&](const Connection& each) { return each.open && now > each.due; });
}

std::optional<MacAddress> Connections::host(int fd) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  return connection == nullptr ? std::nullopt : connection->host;
}

std::optional<IpAddress> Connections::peer(int fd) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  return connection == nullptr ? std::nullopt : connection->peer;
}

bool Connections::may_subscribe(int fd, const std::function<bool()>& decide) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  if (connection == nullptr || !connection->open) return false;
  if (!connection->may_subscribe) connection->may_subscribe = decide();
  return *connection->may_subscribe;
}

}  // namespace upnpd::announcer
