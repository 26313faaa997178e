// A journal's lines: one that is understood is written as it was understood.
#include "fuzz.h"
#include "journal_lines.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  while (!input.is_empty()) {
    const auto line = gateway::parse_line(input.until('\n'));
    if (!line) continue;
    const std::string written = gateway::to_line(*line);
    must(written.ends_with('\n') && written.find('\n') == written.size() - 1, "it is one line");
    const auto again = gateway::parse_line(std::string_view(written).substr(0, written.size() - 1));
    must(again && gateway::to_line(*again) == written, "it is read as it was written");
  }
  return 0;
}
