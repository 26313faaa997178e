// Memory that is free goes back to the system.
#pragma once

namespace upnpd::base {

// To be called after something large has been done with, seldom: it costs some milliseconds.
void give_back_memory();

}  // namespace upnpd::base
