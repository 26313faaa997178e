// The command line of upnpd.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace upnpd::gateway {

struct Options {
  enum class Action { Serve, Check, Version, Help } action = Action::Serve;
  std::optional<std::string> config_file;
  std::vector<std::string> wans;
  std::vector<std::string> lans;
  bool foreground = false;  // stay there, and log to standard error
  bool stay = false;        // stay there, and log to syslog
  bool debug = false;
};

// Reads `arguments`, without the program's name. An error is one line.
std::expected<Options, std::string> parse_options(const std::vector<std::string>& arguments);

std::string usage();

}  // namespace upnpd::gateway
