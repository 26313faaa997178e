#include "columns.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "upnpd/port_mapping.h"

namespace upnpd::admin {
namespace {

std::size_t width(const std::string& text) {
  return std::size_t(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string in_columns(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string for_terminal(const std::string& text) {
  // What a description may hold is what a terminal may show.
  const auto clean = PortMappingDescription::parse(text);
  return clean ? clean->text() : "?";
}

std::string as_time(long long seconds) {
  std::array<char, 32> text{};
  if (seconds < 60)
    std::snprintf(text.data(), text.size(), "%llds", seconds);
  else if (seconds < 3600)
    std::snprintf(text.data(), text.size(), "%lldm%02llds", seconds / 60, seconds % 60);
  else if (seconds < 86400)
    std::snprintf(text.data(), text.size(), "%lldh%02lldm", seconds / 3600, seconds % 3600 / 60);
  else
    std::snprintf(text.data(), text.size(), "%lldd%02lldh", seconds / 86400,
                  seconds % 86400 / 3600);
  return text.data();
}

}  // namespace upnpd::admin
