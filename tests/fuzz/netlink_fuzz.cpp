// What the kernel says: rtnetlink's messages, and the elements of our sets. The kernel is not
// hostile, but its elements hold what another program put there, and its messages change.
#include "fuzz.h"
#include "mapping_elements.h"
#include "mapping_userdata.h"
#include "pinhole_elements.h"
#include "rtnl_messages.h"

using namespace upnpd;
using namespace upnpd::fuzz;

namespace {

void read_messages(std::span<const std::byte> message) {
  static_cast<void>(kernel::changes_surroundings(message));
  static_cast<void>(kernel::parse_link(message));
  static_cast<void>(kernel::parse_address(message));
  static_cast<void>(kernel::parse_ipv6_address(message));
  static_cast<void>(kernel::parse_neighbour(message));
  static_cast<void>(kernel::parse_default_route(message));
}

void read_elements(Input input) {
  kernel::Element element;
  const auto fields = [&] {
    const std::size_t size = input.byte() % 48;
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < size; ++i)
      bytes.push_back(std::byte{input.byte()});
    return kernel::Fields::from_bytes(bytes).value_or(kernel::Fields());
  };
  element.key = fields();
  element.data = fields();
  if (const std::uint32_t lifetime = input.four_bytes())
    element.lifetime = std::chrono::milliseconds(lifetime);
  while (!input.is_empty())
    element.userdata.push_back(std::byte{input.byte()});
  const BootTime now{std::chrono::hours(5)};
  for (const auto& key : {kernel::mapping_key_of(element), kernel::remote_mapping_key_of(element)})
    if (key)
      if (const auto mapping = kernel::mapping_of(*key, element, now))
        must(kernel::encode_mapping_note(*mapping).size() <= kernel::kMaxUserdata, "it fits");
  for (const char* const set : kernel::kPinholeSets)
    if (const auto pinhole = kernel::pinhole_of(set, element, now))
      must(kernel::set_of(pinhole->key) == std::string_view(set), "it is of this set");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_messages(bytes_of(data, size));
  read_elements(Input(data, size));
  return 0;
}
