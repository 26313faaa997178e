#include "reached_hosts.h"

#include <algorithm>

namespace upnpd::announcer {

bool ReachedHosts::has(const IpAddress& host, BootTime now) {
  const auto found = reached_.find(host);
  if (found == reached_.end()) return false;
  found->second = now;
  return true;
}

void ReachedHosts::sent(const IpAddress& host, BootTime now) {
  if (tried_.size() < kMaxHosts) tried_.emplace(host, now);
}

std::optional<std::chrono::milliseconds> ReachedHosts::look(bool waits, BootTime now) {
  std::erase_if(tried_, [&](const auto& tried) { return now - tried.second > kTooLate; });
  std::erase_if(tried_, [&](const auto& tried) {
    if (waits || now - tried.second < kSoon) return false;
    if (reached_.size() >= kMaxHosts)
      reached_.erase(
          std::ranges::min_element(reached_, {}, [](const auto& each) { return each.second; }));
    reached_.insert_or_assign(tried.first, now);
    return true;
  });
  if (tried_.empty()) return std::nullopt;
  return kSoon;
}

}  // namespace upnpd::announcer
