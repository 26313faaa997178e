// A limit on how often each host may ask: a token bucket per address, as many addresses as a LAN
// can have at once and no more memory than that.
#pragma once

#include <unordered_map>

#include "upnpd/address.h"
#include "upnpd/time.h"

namespace upnpd::core {

class TokenBuckets {
 public:
  static constexpr std::size_t kMaxHosts = 1024;

  // `rate` tokens a second, twice as many at most; 0 = no limit.
  explicit TokenBuckets(std::uint32_t rate) : rate_(rate) {}

  // Takes a token of `host`, or says that there is none.
  bool take(Ipv4Address host, BootTime now);

 private:
  struct Bucket {
    std::int64_t millitokens;
    BootTime filled;
  };
  std::uint32_t rate_;
  std::unordered_map<std::uint32_t, Bucket> buckets_;
};

}  // namespace upnpd::core
