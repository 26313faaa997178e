// The floor of a gateway of two processes: one has the connections, the other the map. Requests
// that come together are asked together and added in one transaction.
#pragma once

#include <chrono>
#include <cstdint>

#include "nft_map.h"

namespace upnpd::bench {

void serve_apart(NftMap& map, std::uint16_t port, std::chrono::seconds time);

}  // namespace upnpd::bench
