// A token bucket for each of a bounded number of addresses, of whatever kind: how much one host may
// ask. The address not seen for longest is forgotten first. The time is handed in.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <variant>

#include "upnpd/ip_address.h"
#include "upnpd/time.h"

namespace upnpd::announcer {

// By which a host is known.
using HostAddress = std::variant<IpAddress, MacAddress>;

class AddressBuckets {
 public:
  struct Limits {
    unsigned burst;                       // tokens of a full bucket; a new address has one
    std::chrono::milliseconds per_token;  // until another token is there
    std::size_t addresses;                // as many are remembered
  };

  explicit AddressBuckets(Limits limits) : limits_(limits) {}

  // Takes a token of `address`; false when it has none left.
  bool take(const HostAddress& address, BootTime now);
  std::size_t size() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::chrono::milliseconds credit;  // tokens times per_token
    BootTime seen;
  };
  Bucket& bucket_of(const HostAddress& address, BootTime now);

  Limits limits_;
  std::map<HostAddress, Bucket> buckets_;
};

}  // namespace upnpd::announcer
