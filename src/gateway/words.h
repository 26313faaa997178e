// Words of a line of configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace upnpd::gateway {

// `text` without blanks, tabs and carriage returns at both ends.
std::string_view trim(std::string_view text);

// Takes the first word off `rest`; "" when there is none.
std::string_view take_word(std::string_view& rest);

// A decimal number from 0 to `largest`, and nothing else.
std::optional<std::uint32_t> read_number(std::string_view text, std::uint32_t largest);

// yes/no, true/false, on/off, 1/0.
std::optional<bool> read_switch(std::string_view text);

}  // namespace upnpd::gateway
