#include "upnpd/config_id.h"

#include <string_view>

namespace upnpd {
namespace {

// FNV-1a, 32 bits.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text)
      add_byte(static_cast<unsigned char>(c));
    add_byte(0);  // where one ends and the next begins
  }
  void add(std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8)
      add_byte(static_cast<std::uint8_t>(number >> shift & 0xff));
  }
  std::uint32_t value() const { return value_; }

 private:
  void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x01000193; }
  std::uint32_t value_ = 0x811c9dc5;
};

}  // namespace

std::uint32_t description_hash(const DeviceIdentity& identity) {
  Hash hash;
  hash.add(xml_hash());
  for (const std::string* const text :
       {&identity.uuid, &identity.path_token, &identity.friendly_name, &identity.manufacturer,
        &identity.manufacturer_url, &identity.model_name, &identity.model_description,
        &identity.model_number, &identity.model_url, &identity.serial_number,
        &identity.presentation_url})
    hash.add(*text);
  return hash.value();
}

std::uint32_t config_id(std::uint32_t description_hash, std::uint16_t event_port) {
  Hash hash;
  hash.add(description_hash);
  hash.add(std::uint32_t{event_port});
  return (hash.value() >> 24) ^ (hash.value() & 0xffffff);
}

}  // namespace upnpd
