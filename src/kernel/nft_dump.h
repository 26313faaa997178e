// Reads the elements of one of our sets out of the kernel.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "nft_element.h"
#include "nl_socket.h"

namespace upnpd::kernel {

// Every element of `set` in `table inet upnpd`, as of one moment. ENOENT: there is no such set.
std::expected<std::vector<Element>, NetlinkError> dump_elements(NlSocket& socket, const char* set);

// The element of `set` with this key. ENOENT: there is none.
std::expected<Element, NetlinkError> find_element(NlSocket& socket, const char* set,
                                                  const Fields& key);

}  // namespace upnpd::kernel
