#include "upnpd/config_id.h"

#include <string>

#include "upnpd/fnv1a.h"

namespace upnpd {
namespace {

void add(std::uint32_t number, Fnv1a& hash) {
  for (int shift = 0; shift < 32; shift += 8)
    hash.add_byte(static_cast<std::uint8_t>(number >> shift & 0xff));
}

}  // namespace

std::uint32_t description_hash(const DeviceIdentity& identity) {
  Fnv1a hash;
  add(xml_hash(), hash);
  for (const std::string* const text :
       {&identity.uuid, &identity.path_token, &identity.friendly_name, &identity.manufacturer,
        &identity.manufacturer_url, &identity.model_name, &identity.model_description,
        &identity.model_number, &identity.model_url, &identity.serial_number,
        &identity.presentation_url}) {
    hash.add(*text);
    hash.add_byte(0);  // where one ends and the next begins
  }
  return hash.value();
}

std::uint32_t config_id(std::uint32_t description_hash, std::uint16_t event_port) {
  Fnv1a hash;
  add(description_hash, hash);
  add(event_port, hash);
  return (hash.value() >> 24) ^ (hash.value() & 0xffffff);
}

}  // namespace upnpd
