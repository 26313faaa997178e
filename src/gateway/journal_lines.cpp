#include "journal_lines.h"

#include <cstdio>

#include "json.h"

namespace upnpd::gateway {
namespace {

using base::Json;

// No router has been up for longer than this: 2^40 ms are 34 years. A lease ends 136 years later.
constexpr std::int64_t kLatest = std::int64_t{1} << 40;
constexpr std::int64_t kLatestEnd = kLatest + std::int64_t{UINT32_MAX} * 1000;

std::int64_t milliseconds(BootTime time) {
  return time.time_since_epoch().count();
}

BootTime boot_time(std::int64_t milliseconds) {
  return BootTime(std::chrono::milliseconds(milliseconds));
}

Json to_json(const HeaderLine& header) {
  Json line = Json::object();
  line.add("journal", std::int64_t{1});
  line.add("boot_id", header.boot_id);
  line.add("next_id", std::int64_t{header.next_id});
  return line;
}

Json to_json(const PutLine& put) {
  const PortMapping& mapping = put.mapping;
  Json line = Json::object();
  line.add("put", std::int64_t{mapping.id});
  line.add("at", milliseconds(put.written));
  line.add("protocol", to_string(mapping.key.protocol));
  line.add("external_port", std::int64_t{mapping.key.external_port.number()});
  line.add("remote_host", mapping.key.remote_host.to_string());
  line.add("client", mapping.client.address().to_string());
  line.add("internal_port", std::int64_t{mapping.internal_port.number()});
  line.add_switch("enabled", mapping.enabled);
  line.add("description", mapping.description.text());
  if (mapping.expires) line.add("expires", milliseconds(*mapping.expires));
  line.add("lan", std::int64_t{mapping.lan});
  line.add("owner", mapping.owner.to_string());
  if (mapping.host != MacAddress{}) line.add("host", to_string(mapping.host));
  return line;
}

Json to_json(const GoneLine& gone) {
  Json line = Json::object();
  line.add("gone", std::int64_t{gone.id});
  line.add("at", milliseconds(gone.written));
  return line;
}

Json to_json(const PinholeLine& put) {
  const Pinhole& pinhole = put.pinhole;
  const auto remote_port = pinhole.key.remote_port.port();
  Json line = Json::object();
  line.add("pinhole", std::int64_t{pinhole.id.number()});
  line.add("at", milliseconds(put.written));
  line.add("protocol", to_string(pinhole.key.protocol));
  line.add("remote_host", pinhole.key.remote_host.to_string());
  if (remote_port) line.add("remote_port", std::int64_t{remote_port->number()});
  line.add("client", pinhole.key.client.address().to_string());
  line.add("internal_port", std::int64_t{pinhole.key.internal_port.number()});
  line.add("expires", milliseconds(pinhole.expires));
  line.add("lan", std::int64_t{pinhole.lan});
  line.add("owner", to_string(pinhole.owner));
  line.add("host", to_string(pinhole.host));
  return line;
}

Json to_json(const PinholeGoneLine& gone) {
  Json line = Json::object();
  line.add("pinhole_gone", std::int64_t{gone.id.number()});
  line.add("at", milliseconds(gone.written));
  return line;
}

std::optional<std::uint32_t> unsigned_at(const Json& line, const char* key, std::uint32_t largest) {
  const auto number = line.number_at(key);
  if (!number || *number < 0 || *number > largest) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// No value too when it is no moment that a lease can end at.
std::optional<BootTime> expires_at(const Json& line) {
  const auto number = line.number_at("expires");
  if (!number || *number < 0 || *number > kLatestEnd) return std::nullopt;
  return boot_time(*number);
}

std::optional<Ipv4Address> address_at(const Json& line, const char* key) {
  return Ipv4Address::parse(line.text_at(key).value_or(""));
}

std::optional<MacAddress> mac_at(const Json& line, const char* key) {
  const std::string text = line.text_at(key).value_or("");
  MacAddress mac{};
  int length = 0;
  const int fields = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
                                 &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &length);
  if (fields != 6 || static_cast<std::size_t>(length) != text.size()) return std::nullopt;
  return mac;
}

std::optional<RemoteHost> remote_host_at(const Json& line) {
  if (line.text_at("remote_host") == "") return RemoteHost::any();
  const auto address = address_at(line, "remote_host");
  return address ? RemoteHost::parse(*address) : std::nullopt;
}

std::optional<PortMapping> mapping_of(const Json& line) {
  const auto id = unsigned_at(line, "put", UINT32_MAX);
  const auto protocol = parse_protocol(line.text_at("protocol").value_or(""));
  const auto external_port =
      ExternalPort::parse(unsigned_at(line, "external_port", 65535).value_or(0));
  const auto internal_port =
      InternalPort::parse(unsigned_at(line, "internal_port", 65535).value_or(0));
  const auto remote_host = remote_host_at(line);
  const auto client_address = address_at(line, "client");
  const auto client = client_address ? InternalClient::parse(*client_address) : std::nullopt;
  const auto description = PortMappingDescription::parse(line.text_at("description").value_or(""));
  const auto enabled = line.switch_at("enabled");
  const auto expires = expires_at(line);
  const bool is_permanent = !line.number_at("expires");
  const auto lan = unsigned_at(line, "lan", 255);
  const auto owner = address_at(line, "owner");
  if (!id || !protocol || !external_port || !internal_port || !remote_host || !client ||
      !description || !enabled || (!expires && !is_permanent) || !lan || !owner)
    return std::nullopt;
  return PortMapping{.key = {*remote_host, *external_port, *protocol},
                     .client = *client,
                     .internal_port = *internal_port,
                     .enabled = *enabled,
                     .description = *description,
                     .expires = expires,
                     .id = *id,
                     .lan = static_cast<LanIndex>(*lan),
                     .owner = *owner,
                     .host = mac_at(line, "host").value_or(MacAddress{})};
}

std::optional<Ipv6Address> ipv6_address_at(const Json& line, const char* key) {
  return Ipv6Address::parse(line.text_at(key).value_or(""));
}

std::optional<PinholeRemoteHost> pinhole_remote_host_at(const Json& line) {
  if (line.text_at("remote_host") == "") return PinholeRemoteHost::any();
  const auto address = ipv6_address_at(line, "remote_host");
  return address ? PinholeRemoteHost::parse(*address) : std::nullopt;
}

std::optional<PinholeRemotePort> remote_port_at(const Json& line) {
  if (!line.number_at("remote_port")) return PinholeRemotePort::any();
  const auto port = RemotePort::parse(unsigned_at(line, "remote_port", 65535).value_or(0));
  return port ? std::optional(PinholeRemotePort::only(*port)) : std::nullopt;
}

std::optional<PinholeKey> pinhole_key_of(const Json& line) {
  const auto protocol = parse_protocol(line.text_at("protocol").value_or(""));
  const auto remote_host = pinhole_remote_host_at(line);
  const auto remote_port = remote_port_at(line);
  const auto address = ipv6_address_at(line, "client");
  const auto client = address ? PinholeClient::parse(*address) : std::nullopt;
  const auto internal_port =
      InternalPort::parse(unsigned_at(line, "internal_port", 65535).value_or(0));
  if (!protocol || !remote_host || !remote_port || !client || !internal_port) return std::nullopt;
  return PinholeKey{*remote_host, *remote_port, *client, *internal_port, *protocol};
}

std::optional<UniqueId> unique_id_at(const Json& line, const char* key) {
  return UniqueId::parse(unsigned_at(line, key, 65535).value_or(0));
}

std::optional<Pinhole> pinhole_of(const Json& line) {
  const auto id = unique_id_at(line, "pinhole");
  const auto key = pinhole_key_of(line);
  const auto expires = expires_at(line);
  const auto lan = unsigned_at(line, "lan", 255);
  const auto owner = parse_ip_address(line.text_at("owner").value_or(""));
  const auto host = mac_at(line, "host");
  if (!id || !key || !expires || !lan || !owner || !host) return std::nullopt;
  return Pinhole{.key = *key,
                 .expires = *expires,
                 .id = *id,
                 .lan = static_cast<LanIndex>(*lan),
                 .owner = *owner,
                 .host = *host};
}

}  // namespace

std::string to_line(const JournalLine& line) {
  return std::visit([](const auto& l) { return to_json(l).text(); }, line) + "\n";
}

std::optional<JournalLine> parse_line(std::string_view text) {
  const auto line = Json::parse(text);
  if (!line) return std::nullopt;
  if (line->number_at("journal") == 1) {
    const auto next_id = unsigned_at(*line, "next_id", UINT32_MAX);
    return HeaderLine{line->text_at("boot_id").value_or(""), next_id.value_or(1)};
  }
  const auto written = line->number_at("at");
  if (!written || *written < 0 || *written > kLatest) return std::nullopt;
  if (const auto id = unsigned_at(*line, "gone", UINT32_MAX))
    return GoneLine{boot_time(*written), *id};
  if (const auto id = unique_id_at(*line, "pinhole_gone"))
    return PinholeGoneLine{boot_time(*written), *id};
  if (const auto pinhole = pinhole_of(*line)) return PinholeLine{boot_time(*written), *pinhole};
  auto mapping = mapping_of(*line);
  if (!mapping) return std::nullopt;
  return PutLine{boot_time(*written), *std::move(mapping)};
}

}  // namespace upnpd::gateway
