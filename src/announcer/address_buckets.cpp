#include "address_buckets.h"

#include <algorithm>

namespace upnpd::announcer {

AddressBuckets::Bucket& AddressBuckets::bucket_of(const HostAddress& address, BootTime now) {
  const auto found = buckets_.find(address);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= limits_.addresses)
    buckets_.erase(std::ranges::min_element(buckets_, {},
                                            [](const auto& entry) { return entry.second.seen; }));
  return buckets_.emplace(address, Bucket{limits_.per_token * limits_.burst, now}).first->second;
}

bool AddressBuckets::take(const HostAddress& address, BootTime now) {
  Bucket& bucket = bucket_of(address, now);
  const auto passed = std::max(now - bucket.seen, std::chrono::milliseconds(0));
  bucket.credit = std::min(bucket.credit + passed, limits_.per_token * limits_.burst);
  bucket.seen = now;
  if (bucket.credit < limits_.per_token) return false;
  bucket.credit -= limits_.per_token;
  return true;
}

}  // namespace upnpd::announcer
