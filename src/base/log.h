// One line an event, to syslog or to standard error. Text that came from a client is passed
// through printable() first: no control character, no terminal escape, no second line.
#pragma once

#include <string>
#include <string_view>

namespace upnpd::base {

enum class LogLevel { Error, Warning, Notice, Debug };

// Where lines go. `process` names the process in each line ("gateway", "igd", "announcer br-lan").
// `to_stderr` or else syslog(3), facility daemon. Debug lines are dropped unless `debug`.
struct LogSettings {
  std::string process;
  bool to_stderr = true;
  bool debug = false;
};
void set_up_log(LogSettings settings);

void log(LogLevel level, std::string_view line);
inline void log_error(std::string_view line) {
  log(LogLevel::Error, line);
}
inline void log_warning(std::string_view line) {
  log(LogLevel::Warning, line);
}
inline void log_notice(std::string_view line) {
  log(LogLevel::Notice, line);
}
inline void log_debug(std::string_view line) {
  log(LogLevel::Debug, line);
}

// `text` as it may stand in a line: control characters, DEL and what is not UTF-8 become '?', and
// more than 256 bytes are cut.
std::string printable(std::string_view text);

// "what: strerror(error)"
std::string with_errno(std::string_view what, int error);

}  // namespace upnpd::base
