#include "pinhole_elements.h"

#include <algorithm>
#include <string_view>

#include "mapping_userdata.h"

namespace upnpd::kernel {
namespace {

// What the name of a set says of the pinholes in it.
bool has_remote_host(std::string_view set) {
  return set == kHostPinholes || set == kHostPortPinholes;
}
bool has_remote_port(std::string_view set) {
  return set == kPortPinholes || set == kHostPortPinholes;
}

std::optional<PinholeRemoteHost> read_remote_host(FieldReader& fields) {
  const auto address = fields.ipv6_address();
  return address ? PinholeRemoteHost::parse(*address) : std::nullopt;
}

std::optional<PinholeRemotePort> read_remote_port(FieldReader& fields) {
  const auto port = RemotePort::parse(fields.port().value_or(0));
  return port ? std::optional(PinholeRemotePort::only(*port)) : std::nullopt;
}

std::optional<PinholeKey> key_of(std::string_view set, const Element& element) {
  FieldReader fields(element.key);
  const auto address = fields.ipv6_address();
  const auto client = address ? PinholeClient::parse(*address) : std::nullopt;
  const auto protocol = fields.protocol();
  const auto internal_port = InternalPort::parse(fields.port().value_or(0));
  const auto remote_host =
      has_remote_host(set) ? read_remote_host(fields) : PinholeRemoteHost::any();
  const auto remote_port =
      has_remote_port(set) ? read_remote_port(fields) : PinholeRemotePort::any();
  if (!client || !protocol || !internal_port || !remote_host || !remote_port) return std::nullopt;
  return PinholeKey{*remote_host, *remote_port, *client, *internal_port, *protocol};
}

}  // namespace

const char* set_of(const PinholeKey& key) {
  if (key.remote_host.is_any()) return key.remote_port.is_any() ? kPinholes : kPortPinholes;
  return key.remote_port.is_any() ? kHostPinholes : kHostPortPinholes;
}

Fields fields_of(const PinholeKey& key) {
  Fields fields;
  fields.address(key.client.address()).protocol(key.protocol).port(key.internal_port.number());
  if (const auto& host = key.remote_host.address()) fields.address(*host);
  if (const auto port = key.remote_port.port()) fields.port(port->number());
  return fields;
}

Element element_of(const Pinhole& pinhole, BootTime now) {
  return Element{.key = fields_of(pinhole.key),
                 .lifetime = std::max(pinhole.expires - now, std::chrono::milliseconds(1)),
                 .userdata = encode_pinhole_note(pinhole)};
}

std::optional<Pinhole> pinhole_of(const char* set, const Element& element, BootTime now) {
  const auto key = key_of(set, element);
  const auto note = decode_pinhole_note(element.userdata);
  if (!key || !note || !element.lifetime) return std::nullopt;
  return Pinhole{.key = *key,
                 .expires = note->expires.value_or(now + *element.lifetime),
                 .id = note->id,
                 .lan = note->lan,
                 .owner = note->owner,
                 .host = note->host};
}

}  // namespace upnpd::kernel
