// Decides who is answered with what. InternetGatewayDevice:1 and :2 are one device with two
// descriptions, and clients want one or the other: `upnp:rootdevice`, `ssdp:all`, `uuid:` and every
// `:1` type lead to the IGD:1 description, since many clients match version 1 literally and find
// nothing in an IGD:2 one; only a search for a `:2` type leads to IGD:2's. Pure.
#pragma once

#include <vector>

#include "ssdp_messages.h"
#include "ssdp_search.h"

namespace upnpd::announcer {

// The answers to `search`, none where it means none of ours: all 3+2d+k for ssdp:all, one for any
// other (UDA 1.1 table 1-5). Versions below ours are answered with the version asked for.
std::vector<SearchAnswer> search_answers(const SsdpSearch& search, const SsdpIdentity& identity);

}  // namespace upnpd::announcer
