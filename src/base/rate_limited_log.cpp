#include "rate_limited_log.h"

#include <algorithm>

#include "clock.h"

namespace upnpd::base {

// `shares`: how many times the limits this bucket has.
void RateLimitedLog::fill(Bucket& bucket, unsigned shares, BootTime now) const {
  const auto full = limits_.per_line * limits_.burst * shares;
  const auto passed = std::max(now - bucket.seen, std::chrono::milliseconds(0));
  bucket.credit = bucket.credit ? std::min(*bucket.credit + passed * shares, full) : full;
  bucket.seen = now;
}

RateLimitedLog::Bucket& RateLimitedLog::bucket_of(std::string_view host) {
  const auto found = hosts_.find(host);
  if (found != hosts_.end()) return found->second;
  if (hosts_.size() >= kMaxHosts)
    hosts_.erase(
        std::ranges::min_element(hosts_, {}, [](const auto& entry) { return entry.second.seen; }));
  return hosts_[std::string(host)];
}

std::optional<std::string> RateLimitedLog::admit(std::string_view host, std::string_view line,
                                                 BootTime now) {
  Bucket& bucket = bucket_of(host);
  fill(bucket, 1, now);
  fill(together_, kHostsTogether, now);
  if (*bucket.credit < limits_.per_line || *together_.credit < limits_.per_line) {
    ++bucket.left_out;
    return std::nullopt;
  }
  *bucket.credit -= limits_.per_line;
  *together_.credit -= limits_.per_line;
  std::string admitted(line);
  if (bucket.left_out > 0)
    admitted += " (and " + std::to_string(bucket.left_out) + " more such lines before)";
  bucket.left_out = 0;
  return admitted;
}

void RateLimitedLog::log(LogLevel level, std::string_view host, std::string_view line) {
  if (const auto admitted = admit(host, line, boot_now())) base::log(level, *admitted);
}

}  // namespace upnpd::base
