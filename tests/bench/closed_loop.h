// Clients that each send their next request when the one before is answered: as many at once as
// there are connections, for as many requests or seconds as allowed, whichever ends first.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "latencies.h"
#include "soap_requests.h"

namespace upnpd::bench {

struct Load {
  unsigned connections;
  bool keep_alive;
  std::vector<std::string> clients;  // source addresses, shared out among the connections
  unsigned requests;
  std::chrono::seconds time;
  bool until_fault;  // the first fault is the end, and is not counted as one
};

struct Result {
  Latencies answers;  // of all that came, faults included; of pairs, to the adds
  Latencies deletes;  // of pairs
  Clock::duration elapsed{};
  std::map<std::string, unsigned> faults;  // by error code, or by what went wrong
  std::size_t largest_answer = 0;          // bytes of a body
};

Result run(const Gateway& gateway, const SoapRequests& requests, const Load& load);

}  // namespace upnpd::bench
