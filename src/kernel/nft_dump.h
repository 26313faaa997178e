// Reads the elements of one of our sets out of the kernel.
#pragma once

#include <expected>
#include <functional>
#include <vector>

#include "nft_element.h"
#include "nl_socket.h"

namespace upnpd::kernel {

// Hands every element of `set` in `table inet upnpd` to `visit`, to keep or not. ENOENT:
// there is no such set. EINTR: it was changed meanwhile, so that those seen are not of one moment.
using ElementVisit = std::function<void(Element&)>;
std::expected<void, NetlinkError> visit_elements(NlSocket& socket, const char* set,
                                                 const ElementVisit& visit);

// Every element of `set`, as of one moment.
std::expected<std::vector<Element>, NetlinkError> dump_elements(NlSocket& socket, const char* set);

// The element of `set` with this key. ENOENT: there is none.
std::expected<Element, NetlinkError> find_element(NlSocket& socket, const char* set,
                                                  const Fields& key);

}  // namespace upnpd::kernel
