#include "peer_leases.h"

#include <algorithm>
#include <variant>

#include "words.h"

namespace upnpd::gateway {
namespace {

constexpr std::chrono::seconds kLongestLease{604800};  // WANIPConnection:2 section 2.3.17
constexpr std::chrono::seconds kLongestPinholeLease{PinholeLease::kLongest};

struct NotUnderstood {};
struct Ended {};
using Line = std::variant<PortMapping, Pinhole, Ended, NotUnderstood>;

// Takes what stands before the next `mark`; the whole rest when there is none.
std::string_view take_field(std::string_view& rest, char mark) {
  const auto end = rest.find(mark);
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

class Reader {
 public:
  Reader(BootTime now, std::optional<std::int64_t> date) : now_(now), date_(date) {}

  Line read(std::string_view line) const {
    const auto mark = line.find_first_of(":;");
    if (mark == std::string_view::npos) return NotUnderstood{};
    return line[mark] == ';' ? read_pinhole(line) : read_mapping(line);
  }

 private:
  // A moment, none for a permanent lease, Ended.
  using End = std::variant<std::optional<BootTime>, Ended, NotUnderstood>;
  End end_of(std::string_view expiry, std::chrono::seconds longest) const {
    const auto seconds = read_number(expiry, UINT32_MAX);
    if (!seconds) return NotUnderstood{};
    if (*seconds == 0) return std::optional<BootTime>();
    if (!date_) return std::optional(now_ + kLeaseOfUnknownEnd);
    const std::int64_t left = std::int64_t{*seconds} - *date_;
    if (left <= 0) return Ended{};
    return std::optional(now_ + std::min(std::chrono::seconds(left), longest));
  }

  Line read_mapping(std::string_view rest) const {
    const auto protocol = parse_protocol(take_field(rest, ':'));
    const auto external_port =
        ExternalPort::parse(read_number(take_field(rest, ':'), 65535).value_or(0));
    std::string_view host = take_field(rest, ':');
    std::string_view next = take_field(rest, ':');
    auto remote_host = std::optional(RemoteHost::any());
    // An address where the older format has a port: the one before it is the RemoteHost.
    if (Ipv4Address::parse(next)) {
      remote_host = remote_host_of(host);
      host = next;
      next = take_field(rest, ':');
    }
    const auto address = Ipv4Address::parse(host);
    const auto client = address ? InternalClient::parse(*address) : std::nullopt;
    const auto internal_port = InternalPort::parse(read_number(next, 65535).value_or(0));
    const End end = end_of(take_field(rest, ':'), kLongestLease);
    const auto description = PortMappingDescription::parse(rest);
    if (!protocol || !external_port || !remote_host || !client || !internal_port || !description ||
        std::holds_alternative<NotUnderstood>(end))
      return NotUnderstood{};
    if (std::holds_alternative<Ended>(end)) return Ended{};
    return PortMapping{.key = {*remote_host, *external_port, *protocol},
                       .client = *client,
                       .internal_port = *internal_port,
                       .description = *description,
                       .expires = std::get<std::optional<BootTime>>(end),
                       .owner = client->address()};
  }

  static std::optional<RemoteHost> remote_host_of(std::string_view text) {
    if (text.empty() || text == "*" || text == "0.0.0.0") return RemoteHost::any();
    const auto address = Ipv4Address::parse(text);
    return address ? RemoteHost::parse(*address) : std::nullopt;
  }

  Line read_pinhole(std::string_view rest) const {
    const auto protocol = parse_protocol(take_field(rest, ';'));
    const auto address = Ipv6Address::parse(take_field(rest, ';'));
    const auto client = address ? PinholeClient::parse(*address) : std::nullopt;
    const auto internal_port =
        InternalPort::parse(read_number(take_field(rest, ';'), 65535).value_or(0));
    const auto remote_host = pinhole_remote_host_of(take_field(rest, ';'));
    const auto remote_port = remote_port_of(take_field(rest, ';'));
    const auto id = UniqueId::parse(read_number(take_field(rest, ';'), 65535).value_or(0));
    const End end = end_of(take_field(rest, ';'), kLongestPinholeLease);
    if (!protocol || !client || !internal_port || !remote_host || !remote_port || !id ||
        std::holds_alternative<NotUnderstood>(end))
      return NotUnderstood{};
    if (std::holds_alternative<Ended>(end)) return Ended{};
    return Pinhole{
        .key = {*remote_host, *remote_port, *client, *internal_port, *protocol},
        .expires = std::get<std::optional<BootTime>>(end).value_or(now_ + kLongestPinholeLease),
        .id = *id,
        .lan = 0,
        .owner = Ipv4Address::from_host_order(0),
        .host = {}};
  }

  static std::optional<PinholeRemoteHost> pinhole_remote_host_of(std::string_view text) {
    if (text.empty() || text == "*" || text == "::") return PinholeRemoteHost::any();
    const auto address = Ipv6Address::parse(text);
    return address ? PinholeRemoteHost::parse(*address) : std::nullopt;
  }

  static std::optional<PinholeRemotePort> remote_port_of(std::string_view text) {
    if (text.empty() || text == "*" || text == "0") return PinholeRemotePort::any();
    const auto port = RemotePort::parse(read_number(text, 65535).value_or(0));
    return port ? std::optional(PinholeRemotePort::only(*port)) : std::nullopt;
  }

  BootTime now_;
  std::optional<std::int64_t> date_;
};

}  // namespace

PeerLeases read_peer_leases(std::string_view text, BootTime now, std::optional<std::int64_t> date) {
  const Reader reader(now, date);
  PeerLeases leases;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_field(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    Line read = reader.read(line);
    if (auto* const mapping = std::get_if<PortMapping>(&read))
      leases.mappings.push_back(std::move(*mapping));
    else if (const auto* const pinhole = std::get_if<Pinhole>(&read))
      leases.pinholes.push_back(*pinhole);
    else if (std::holds_alternative<Ended>(read))
      ++leases.ended;
    else
      leases.not_understood.push_back(number);
  }
  return leases;
}

}  // namespace upnpd::gateway
