#include "log.h"

#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

namespace upnpd::base {
namespace {

constexpr std::size_t kMaxPrintable = 256;

LogSettings& settings() {
  static LogSettings the_settings;
  return the_settings;
}

int syslog_priority(LogLevel level) {
  switch (level) {
    case LogLevel::Error: return LOG_ERR;
    case LogLevel::Warning: return LOG_WARNING;
    case LogLevel::Notice: return LOG_NOTICE;
    case LogLevel::Debug: return LOG_DEBUG;
  }
  return LOG_ERR;
}

const char* word(LogLevel level) {
  switch (level) {
    case LogLevel::Error: return "error: ";
    case LogLevel::Warning: return "warning: ";
    case LogLevel::Notice: return "";
    case LogLevel::Debug: return "debug: ";
  }
  return "";
}

// The length of the UTF-8 sequence at the start of `text`, or 0 where there is none, or one that is
// overlong.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80       ? 1
                             : first >> 5 == 6  ? 2
                             : first >> 4 == 14 ? 3
                             : first >> 3 == 30 ? 4
                                                : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byte(i) >> 6 != 2) return 0;
  const bool is_overlong = (length == 2 && first < 0xc2) ||
                           (length == 3 && first == 0xe0 && byte(1) < 0xa0) ||
                           (length == 4 && first == 0xf0 && byte(1) < 0x90);
  return is_overlong ? 0 : length;
}

}  // namespace

void set_up_log(LogSettings wanted) {
  settings() = std::move(wanted);
  if (!settings().to_stderr) ::openlog("upnpd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log(LogLevel level, std::string_view line) {
  if (level == LogLevel::Debug && !settings().debug) return;
  std::string text = "upnpd";
  if (settings().to_stderr) {
    if (!settings().process.empty()) text += " " + settings().process;
    text += ": " + std::string(word(level));
    text += line;
    text += '\n';
    // One write, so that lines of several processes do not mix. There is nowhere to report failure.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
    return;
  }
  text = settings().process + ": " + word(level);
  text += line;
  ::syslog(syslog_priority(level), "%s", text.c_str());
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty() && result.size() < kMaxPrintable) {
    const std::size_t length = utf8_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    const bool c1_control =
        length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (length == 0 || (length == 1 && (first < 0x20 || first == 0x7f)) || c1_control)
      result += '?';
    else
      result += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  if (!text.empty()) result += "...";
  return result;
}

std::string with_errno(std::string_view what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

}  // namespace upnpd::base
