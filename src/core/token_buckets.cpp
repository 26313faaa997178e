#include "token_buckets.h"

#include <algorithm>

namespace upnpd::core {

bool TokenBuckets::take(const Asker& host, BootTime now) {
  if (rate_ == 0) return true;
  const std::int64_t full = 2000 * std::int64_t{rate_};
  // Too many hosts to remember: forget them all, which gives each at most one bucket too many.
  if (buckets_.size() >= kMaxHosts && !buckets_.contains(host)) buckets_.clear();
  Bucket& bucket = buckets_.try_emplace(host, Bucket{full, now}).first->second;
  const std::int64_t elapsed = std::clamp<std::int64_t>((now - bucket.filled).count(), 0, 2000);
  bucket.millitokens = std::min(full, bucket.millitokens + elapsed * rate_);
  bucket.filled = now;
  if (bucket.millitokens < 1000) return false;
  bucket.millitokens -= 1000;
  return true;
}

}  // namespace upnpd::core
