// A limit on how often each host may ask: a token bucket for each, as many as a LAN can have at
// once and no more memory than that.
#pragma once

#include <map>
#include <variant>

#include "upnpd/ip_address.h"
#include "upnpd/time.h"

namespace upnpd::core {

// A host, by what is known of it.
using Asker = std::variant<Ipv4Address, Ipv6Address, MacAddress>;

class TokenBuckets {
 public:
  static constexpr std::size_t kMaxHosts = 1024;

  // `rate` tokens a second, twice as many at most; 0 = no limit.
  explicit TokenBuckets(std::uint32_t rate) : rate_(rate) {}

  // Takes a token of `host`, or says that there is none.
  bool take(const Asker& host, BootTime now);

 private:
  struct Bucket {
    std::int64_t millitokens;
    BootTime filled;
  };
  std::uint32_t rate_;
  std::map<Asker, Bucket> buckets_;
};

}  // namespace upnpd::core
