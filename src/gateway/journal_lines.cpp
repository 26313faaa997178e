#include "journal_lines.h"

#include "json.h"

namespace upnpd::gateway {
namespace {

using base::Json;

// No router has been up for longer, and no lease lasts longer, than this: 2^40 ms are 34 years.
constexpr std::int64_t kLatest = std::int64_t{1} << 40;

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
  return line;
}

Json to_json(const GoneLine& gone) {
  Json line = Json::object();
  line.add("gone", std::int64_t{gone.id});
  line.add("at", milliseconds(gone.written));
  return line;
}

std::optional<std::uint32_t> unsigned_at(const Json& line, const char* key, std::uint32_t largest) {
  const auto number = line.number_at(key);
  if (!number || *number < 0 || *number > largest) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<Ipv4Address> address_at(const Json& line, const char* key) {
  return Ipv4Address::parse(line.text_at(key).value_or(""));
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
  const auto expires = line.number_at("expires");
  if (expires && (*expires < 0 || *expires > 2 * kLatest)) return std::nullopt;
  const auto lan = unsigned_at(line, "lan", 255);
  const auto owner = address_at(line, "owner");
  if (!id || !protocol || !external_port || !internal_port || !remote_host || !client ||
      !description || !enabled || !lan || !owner)
    return std::nullopt;
  return PortMapping{.key = {*remote_host, *external_port, *protocol},
                     .client = *client,
                     .internal_port = *internal_port,
                     .enabled = *enabled,
                     .description = *description,
                     .expires = expires ? std::optional(boot_time(*expires)) : std::nullopt,
                     .id = *id,
                     .lan = static_cast<LanIndex>(*lan),
                     .owner = *owner};
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
  auto mapping = mapping_of(*line);
  if (!mapping) return std::nullopt;
  return PutLine{boot_time(*written), *std::move(mapping)};
}

}  // namespace upnpd::gateway
