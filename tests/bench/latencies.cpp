#include "latencies.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace upnpd::bench {
namespace {

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// By the nearest rank; `sorted` is not empty.
double quantile(const std::vector<Clock::duration>& sorted, double share) {
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return microseconds(sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
}

}  // namespace

double seconds_of(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string Latencies::to_json(Clock::duration elapsed) const {
  std::ostringstream json;
  const double seconds = seconds_of(elapsed);
  json << "\"count\": " << all_.size() << ", \"seconds\": " << seconds
       << ", \"per_second\": " << (seconds > 0 ? static_cast<double>(all_.size()) / seconds : 0);
  if (all_.empty()) return json.str();
  std::vector<Clock::duration> sorted = all_;
  std::ranges::sort(sorted);
  json << ", \"p50\": " << quantile(sorted, 0.5) << ", \"p99\": " << quantile(sorted, 0.99)
       << ", \"max\": " << microseconds(sorted.back());
  return json.str();
}

}  // namespace upnpd::bench
