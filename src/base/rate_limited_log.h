// A log whose lines a client can cause. Each host has a bucket of lines, and all hosts together
// have one, so that no host can fill the disk, and none can keep another's lines out for long. The
// next line of a host says how many of its own were left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "log.h"
#include "upnpd/time.h"

namespace upnpd::base {

class RateLimitedLog {
 public:
  static constexpr std::size_t kMaxHosts = 256;  // the one not heard of for longest is forgotten
  static constexpr unsigned kHostsTogether = 8;  // all hosts have as many lines as so many of them

  // What one host may cause.
  struct Limits {
    unsigned burst = 5;
    std::chrono::milliseconds per_line{1000};
  };
  RateLimitedLog() : RateLimitedLog(Limits()) {}
  explicit RateLimitedLog(Limits limits) : limits_(limits) {}

  // The line to log at `now`, caused by `host`; no value when there are too many.
  std::optional<std::string> admit(std::string_view host, std::string_view line, BootTime now);

  // Logs `line`, if admitted. Its parts from clients have gone through printable().
  void log(LogLevel level, std::string_view host, std::string_view line);

 private:
  struct Bucket {
    std::optional<std::chrono::milliseconds> credit;  // no value: full
    BootTime seen;
    unsigned long left_out = 0;
  };
  void fill(Bucket& bucket, unsigned shares, BootTime now) const;
  Bucket& bucket_of(std::string_view host);

  Limits limits_;
  Bucket together_;
  std::map<std::string, Bucket, std::less<>> hosts_;
};

}  // namespace upnpd::base
