#include "mapping_elements.h"

#include <algorithm>
#include <map>

#include "mapping_userdata.h"
#include "nft_sets.h"

namespace upnpd::kernel {
namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> lifetime(std::optional<BootTime> expires, BootTime now) {
  if (!expires) return std::nullopt;
  return std::max(*expires - now, milliseconds(1));
}

std::optional<BootTime> expiry(const Element& element, BootTime now) {
  if (!element.lifetime) return std::nullopt;
  return now + *element.lifetime;
}

std::optional<PortMappingKey> read_key(FieldReader& fields, RemoteHost remote_host) {
  const auto protocol = fields.protocol();
  const auto port = ExternalPort::parse(fields.port().value_or(0));
  if (!protocol || !port) return std::nullopt;
  return PortMappingKey{remote_host, *port, *protocol};
}

std::optional<InternalClient> read_client(FieldReader& fields) {
  const auto address = fields.address();
  return address ? InternalClient::parse(*address) : std::nullopt;
}

Fields endpoint_fields(const Endpoint& endpoint) {
  return Fields()
      .address(endpoint.client.address())
      .protocol(endpoint.protocol)
      .port(endpoint.port.number());
}

std::optional<Endpoint> endpoint_of(const Element& element) {
  FieldReader fields(element.key);
  const auto client = read_client(fields);
  const auto protocol = fields.protocol();
  const auto port = InternalPort::parse(fields.port().value_or(0));
  if (!client || !protocol || !port) return std::nullopt;
  return Endpoint{*client, *protocol, *port};
}

std::optional<ExternalPort> source_port_of(const Element& element) {
  return ExternalPort::parse(FieldReader(element.data).port().value_or(0));
}

}  // namespace

const char* map_of(const PortMappingKey& key) {
  return key.remote_host.is_any() ? kMappings : kRemoteMappings;
}

Element element_of(const PortMapping& mapping, BootTime now) {
  Element element;
  if (const auto remote_host = mapping.key.remote_host.address()) element.key.address(*remote_host);
  element.key.protocol(mapping.key.protocol).port(mapping.key.external_port.number());
  element.data.address(mapping.client.address()).port(mapping.internal_port.number());
  element.lifetime = lifetime(mapping.expires, now);
  element.userdata = encode_mapping_note(mapping);
  return element;
}

std::optional<PortMappingKey> mapping_key_of(const Element& element) {
  FieldReader fields(element.key);
  return read_key(fields, RemoteHost::any());
}

std::optional<PortMappingKey> remote_mapping_key_of(const Element& element) {
  FieldReader fields(element.key);
  const auto address = fields.address();
  const auto remote_host = address ? RemoteHost::parse(*address) : std::nullopt;
  if (!remote_host) return std::nullopt;
  return read_key(fields, *remote_host);
}

std::optional<PortMapping> mapping_of(const PortMappingKey& key, const Element& element,
                                      BootTime now) {
  FieldReader fields(element.data);
  const auto client = read_client(fields);
  const auto internal_port = InternalPort::parse(fields.port().value_or(0));
  const MappingNote note = decode_mapping_note(element.userdata);
  auto description = PortMappingDescription::parse(note.description);
  if (!client || !internal_port || !description) return std::nullopt;
  return PortMapping{.key = key,
                     .client = *client,
                     .internal_port = *internal_port,
                     .enabled = true,
                     .description = *std::move(description),
                     .expires = note.expires ? note.expires : expiry(element, now),
                     .id = note.record ? note.record->id : 0,
                     .lan = note.record ? note.record->lan : LanIndex{0},
                     .owner = note.record ? note.record->owner : client->address(),
                     .host = note.host};
}

Element source_port_element_of(const OutwardMapping& outward, BootTime now) {
  return Element{.key = endpoint_fields(outward.endpoint),
                 .data = Fields::of_port(outward.external_port.number()),
                 .lifetime = lifetime(outward.external_port_expires, now)};
}

Element mapped_client_element_of(const OutwardMapping& outward, BootTime now) {
  return Element{.key = endpoint_fields(outward.endpoint),
                 .lifetime = lifetime(outward.forward_expires, now),
                 .userdata = encode_external_port(outward.external_port)};
}

bool is_of_outward_mapping(std::string_view set, const Element& element) {
  const auto port =
      set == kSourcePorts ? source_port_of(element) : decode_external_port(element.userdata);
  return port && endpoint_of(element);
}

std::vector<OutwardMapping> outward_mappings_of(std::span<const Element> source_ports,
                                                std::span<const Element> mapped_clients,
                                                BootTime now) {
  std::map<Endpoint, OutwardMapping> found;
  for (const Element& element : mapped_clients) {
    const auto endpoint = endpoint_of(element);
    const auto port = decode_external_port(element.userdata);
    if (endpoint && port)
      found.emplace(*endpoint, OutwardMapping{*endpoint, *port, now, expiry(element, now)});
  }
  for (const Element& element : source_ports) {
    const auto endpoint = endpoint_of(element);
    const auto port = source_port_of(element);
    if (!endpoint || !port) continue;
    auto& outward =
        found.try_emplace(*endpoint, OutwardMapping{*endpoint, *port, now, now}).first->second;
    outward.external_port = *port;
    outward.external_port_expires = expiry(element, now);
  }
  std::vector<OutwardMapping> outward_mappings;
  for (const auto& [endpoint, outward] : found)
    outward_mappings.push_back(outward);
  return outward_mappings;
}

}  // namespace upnpd::kernel
