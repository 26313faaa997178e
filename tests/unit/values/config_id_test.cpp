#include "upnpd/config_id.h"

#include <doctest/doctest.h>

#include <set>

using namespace upnpd;

namespace {

DeviceIdentity an_identity() {
  return {.uuid = "u",
          .path_token = "t",
          .friendly_name = "upnpd",
          .manufacturer = "m",
          .manufacturer_url = "",
          .model_name = "n",
          .model_description = "d",
          .model_number = "1",
          .model_url = "",
          .serial_number = "s",
          .presentation_url = ""};
}

}  // namespace

TEST_SUITE("config_id") {
  TEST_CASE("it is another one when anything of the descriptions is, and else the same") {
    std::set<std::uint32_t> hashes{description_hash(an_identity())};
    for (auto field :
         {&DeviceIdentity::uuid, &DeviceIdentity::path_token, &DeviceIdentity::friendly_name,
          &DeviceIdentity::manufacturer, &DeviceIdentity::manufacturer_url,
          &DeviceIdentity::model_name, &DeviceIdentity::model_description,
          &DeviceIdentity::model_number, &DeviceIdentity::model_url, &DeviceIdentity::serial_number,
          &DeviceIdentity::presentation_url}) {
      DeviceIdentity other = an_identity();
      other.*field += "x";
      CHECK(hashes.insert(description_hash(other)).second);
    }
    CHECK(description_hash(an_identity()) == description_hash(an_identity()));
    std::set<std::uint32_t> ids;
    for (const std::uint32_t hash : hashes)
      for (const std::uint16_t port : {std::uint16_t{49152}, std::uint16_t{49153}})
        CHECK(ids.insert(config_id(hash, port)).second);
  }

  TEST_CASE("what one value ends with is not what the next begins with") {
    DeviceIdentity one = an_identity(), other = an_identity();
    one.manufacturer = "ab", one.manufacturer_url = "c";
    other.manufacturer = "a", other.manufacturer_url = "bc";
    CHECK(description_hash(one) != description_hash(other));
  }

  TEST_CASE("it has 24 bits, all in use") {
    std::uint32_t all = 0;
    for (std::uint32_t hash = 0; hash < 1000; ++hash) {
      CHECK(config_id(hash, 49152) <= 16777215);
      all |= config_id(hash, 49152);
    }
    CHECK(all == 16777215);
  }
}
