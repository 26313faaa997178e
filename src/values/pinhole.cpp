#include "upnpd/pinhole.h"

namespace upnpd {
namespace {

bool is_routed_to_a_host(const Ipv6Address& address) {
  return !address.is_unspecified() && !address.is_loopback() && !address.is_link_local() &&
         !address.is_multicast() && !address.is_ipv4_mapped();
}

}  // namespace

std::optional<PinholeClient> PinholeClient::parse(const Ipv6Address& address) {
  if (!is_routed_to_a_host(address)) return std::nullopt;
  return PinholeClient(address);
}

std::optional<PinholeRemoteHost> PinholeRemoteHost::parse(const Ipv6Address& address) {
  if (!is_routed_to_a_host(address)) return std::nullopt;
  return PinholeRemoteHost(address);
}

std::string PinholeRemoteHost::to_string() const {
  return address_ ? address_->to_string() : "";
}

std::optional<UniqueId> UniqueId::parse(std::uint32_t number) {
  if (number < 1 || number > 65535) return std::nullopt;
  return UniqueId(static_cast<std::uint16_t>(number));
}

UniqueId UniqueId::next() const {
  return UniqueId(number_ == 65535 ? std::uint16_t{1} : static_cast<std::uint16_t>(number_ + 1));
}

std::optional<PinholeLease> PinholeLease::parse(std::uint32_t seconds) {
  if (seconds < 1 || seconds > kLongest) return std::nullopt;
  return PinholeLease(seconds);
}

std::string to_string(const PinholeKey& key) {
  std::string text = std::string(to_string(key.protocol)) + " [" +
                     key.client.address().to_string() +
                     "]:" + std::to_string(key.internal_port.number());
  if (key.remote_host.is_any() && key.remote_port.is_any()) return text;
  const auto port = key.remote_port.port();
  return text + " from " +
         (key.remote_host.is_any() ? "*" : "[" + key.remote_host.to_string() + "]") + ":" +
         (port ? std::to_string(port->number()) : "*");
}

bool has_expired(const Pinhole& pinhole, BootTime now) {
  return pinhole.expires <= now;
}

std::uint32_t remaining_seconds(const Pinhole& pinhole, BootTime now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(pinhole.expires - now).count();
  return left < 0 ? 0 : static_cast<std::uint32_t>(left);
}

}  // namespace upnpd
