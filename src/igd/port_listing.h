// NewPortListing, the value that GetListOfPortMappings answers (WANIPConnection:2 section 2.5.21):
// an XML document inside a string argument, so all of it is escaped once more. In parts, since
// there can be thousands of entries: a start, the entries, an end.
#pragma once

#include <span>
#include <string>

#include "upnpd/messages.h"

namespace upnpd::igd {

std::string port_listing_start();
std::string port_listing_entries(std::span<const Entry> entries);
std::string port_listing_end();

}  // namespace upnpd::igd
