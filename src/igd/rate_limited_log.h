// A log whose lines a client can cause, so at most one a second comes through; the next one says
// how many were left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "upnpd/time.h"

namespace upnpd::igd {

class RateLimitedLog {
 public:
  // The line to log at `now`; no value when it comes within a second of the last.
  std::optional<std::string> admit(std::string_view line, BootTime now);

  // Logs `line` as a notice, if admitted. Its parts from clients have gone through printable().
  void notice(std::string_view line);

 private:
  std::optional<BootTime> last_;
  unsigned long left_out_ = 0;
};

}  // namespace upnpd::igd
