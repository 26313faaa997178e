#include "mapping_elements.h"

#include <algorithm>

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
                 .lifetime = lifetime(outward.forward_expires, now)};
}

}  // namespace upnpd::kernel
