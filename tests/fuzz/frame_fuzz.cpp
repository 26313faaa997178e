// A frame between two processes: what is decoded is valid, and comes out again as it went in.
#include "codec.h"
#include "fuzz.h"

using namespace upnpd;
using namespace upnpd::fuzz;

namespace {

template <class Messages>
void decode_and_encode(std::span<const std::byte> frame) {
  const auto message = wire::decode<Messages>(frame);
  if (!message) return;
  const auto encoded = [](const Messages& m) {
    return std::visit([](const auto& content) { return wire::encode(content); }, m);
  };
  const auto first = encoded(*message);
  const auto again = wire::decode<Messages>(first);
  must(again.has_value(), "what was decoded can be sent on");
  must(encoded(*again) == first, "and says the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > wire::kMaxFrame) return 0;
  const auto frame = bytes_of(data, size);
  decode_and_encode<ToService>(frame);
  decode_and_encode<FromService>(frame);
  decode_and_encode<ToAnnouncer>(frame);
  decode_and_encode<FromAnnouncer>(frame);
  return 0;
}
