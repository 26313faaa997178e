// The subcommands of upnpd-admin: a table of names, what they ask the daemon, how the answer is
// shown.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "json.h"

namespace upnpd::admin {

struct Command {
  const char* name;
  const char* arguments;  // for the usage
  const char* purpose;    // for the usage
  // Makes the request of the words after the name; an error says what is wrong with them.
  std::expected<base::Json, std::string> (*request)(const std::vector<std::string>& words);
  // The answer for people.
  std::string (*show)(const base::Json& answer);
};

std::span<const Command> commands();

}  // namespace upnpd::admin
