#include "rate_limited_log.h"

#include "clock.h"
#include "log.h"

namespace upnpd::igd {

std::optional<std::string> RateLimitedLog::admit(std::string_view line, BootTime now) {
  if (last_ && now - *last_ < std::chrono::seconds(1)) {
    ++left_out_;
    return std::nullopt;
  }
  std::string admitted(line);
  if (left_out_ > 0) admitted += " (and " + std::to_string(left_out_) + " more such lines before)";
  left_out_ = 0;
  last_ = now;
  return admitted;
}

void RateLimitedLog::notice(std::string_view line) {
  if (const auto admitted = admit(line, base::boot_now())) base::log_notice(*admitted);
}

}  // namespace upnpd::igd
