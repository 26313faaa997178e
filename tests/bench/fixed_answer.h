// What a floor's gateway says, whatever it is asked.
#pragma once

#include <microhttpd.h>

#include <cstddef>
#include <cstdint>

namespace upnpd::bench {

// Whether a request of this method is to control; if not, it is for the description.
bool is_control(const char* method);
// Of libmicrohttpd's calls for one control request, the head, the body and the end, whether this is
// the end; takes the body in.
bool has_ended(std::size_t* size, void** seen);
MHD_Result queue_description(MHD_Connection* connection);
MHD_Result queue_reply(MHD_Connection* connection);

// The key of the map that the answer of this number adds.
std::uint16_t port_of(unsigned number);

}  // namespace upnpd::bench
