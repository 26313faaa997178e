// The igd service: serves each LAN the gateway tells it of, descriptions and control over HTTP, and
// asks the gateway whatever it does not know. Runs without privilege and without a file system.
#pragma once

#include "fd.h"

namespace upnpd::igd {

// Runs until the gateway closes `channel`. The exit code of the process: 0 then, 1 when the gateway
// sent what cannot be understood or the system failed us.
int run_igd_service(base::Fd channel);

}  // namespace upnpd::igd
