// The keys of the configuration, each with how its value is read.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config.h"

namespace upnpd::gateway {

enum class KeyEffect {
  Applied,
  NoEffect,  // known from miniupnpd.conf, but without a meaning here
};

// Sets `key` to `value` in `config`. An error says what the value must be; no such key: the
// message "unknown key".
std::expected<KeyEffect, std::string> set_key(Config& config, std::string_view key,
                                              std::string_view value);

}  // namespace upnpd::gateway
