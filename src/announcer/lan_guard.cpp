#include "lan_guard.h"

#include <algorithm>

namespace upnpd::announcer {

bool may_connect(const GuardedLan& lan, Purpose purpose, Ipv4Address to, std::uint16_t port) {
  switch (purpose) {
    case Purpose::Callback:
      return lan.network.contains_host(to) && to != lan.network.address() && port != 0;
    case Purpose::Description: return to == lan.network.address() && port == lan.description_port;
  }
  return false;
}

bool may_name(const GuardedLan& lan, Ipv4Address peer, std::string_view literal) {
  const auto named = Ipv4Address::parse(literal);
  if (!named) return false;
  const std::uint32_t host_part =
      lan.network.last().host_order() ^ lan.network.first().host_order();
  return *named == peer || *named == lan.network.address() || named->host_order() == ~host_part;
}

Connections::Connection* Connections::at(int fd) {
  if (fd < 0 || static_cast<std::size_t>(fd) >= kMaxFd) return nullptr;
  return &connections_[static_cast<std::size_t>(fd)];
}

bool Connections::accepted(int fd, Ipv4Address peer, BootTime now) {
  const std::lock_guard lock(mutex_);
  Connection* const connection = at(fd);
  const auto others = std::ranges::count_if(
      connections_, [&](const Connection& each) { return each.open && each.peer == peer; });
  if (connection == nullptr || others >= kMaxPerPeer) return false;
  *connection = Connection{.open = true, .since = now, .peer = peer};
  return true;
}

void Connections::connected(int fd, BootTime now) {
  const std::lock_guard lock(mutex_);
  if (Connection* const connection = at(fd)) *connection = Connection{.open = true, .since = now};
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
  const Connection* const connection = at(fd);
  if (connection == nullptr || !connection->open) return std::nullopt;
  return std::max(connection->since + kMaxTime - now, std::chrono::milliseconds(0));
}

std::optional<Ipv4Address> Connections::peer(int fd) {
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
