// A gateway as its description tells: where its WANIPConnection is controlled.
#pragma once

#include <netinet/in.h>

#include <string>

namespace upnpd::bench {

struct Gateway {
  sockaddr_in address;
  std::string authority;     // ADDRESS:PORT
  std::string control_path;  // "/..."
  std::string service;       // the service's type
};

// Fetches the description at `location` (http://ADDRESS:PORT/PATH) and reads it. Ends the program
// when there is none.
Gateway learn_gateway(const std::string& location);

// ADDRESS[:PORT], IPv4; "" is 0.0.0.0:0.
sockaddr_in address_of(const std::string& text);

}  // namespace upnpd::bench
