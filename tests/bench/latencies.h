// What each answer took, and what that adds up to.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace upnpd::bench {

using Clock = std::chrono::steady_clock;

class Latencies {
 public:
  void add(Clock::duration latency) { all_.push_back(latency); }
  std::size_t count() const { return all_.size(); }

  // The members of a JSON object, without its braces: count, per_second, and p50, p99 and max in
  // microseconds. `elapsed` is the time in which they were all taken.
  std::string to_json(Clock::duration elapsed) const;

 private:
  std::vector<Clock::duration> all_;
};

double seconds_of(Clock::duration duration);

}  // namespace upnpd::bench
