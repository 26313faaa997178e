// The line of JSON that comes by the admin socket, and what upnpd-admin shows of an answer: what a
// client has put into a mapping cannot steer a terminal.
#include "commands.h"
#include "fuzz.h"
#include "json.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = base::Json::parse(text_of(data, size));
  if (!json) return 0;
  static_cast<void>(json->text_at("command"));
  static_cast<void>(json->number_at("id"));
  if (json->text().starts_with('{'))
    must(base::Json::parse(json->text()).has_value(), "what was read can be written");
  must(json->text().find('\n') == std::string::npos, "an answer is one line");
  for (const admin::Command& command : admin::commands()) {
    const std::string shown = command.show(*json);
    for (const char c : shown)
      must(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f), "it is plain text");
  }
  return 0;
}
