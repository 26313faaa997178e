// A search and its answers: no search can put a line of its own into an answer.
#include <algorithm>

#include "fuzz.h"
#include "search_answers.h"
#include "ssdp_search.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto search = announcer::parse_search(text_of(data, size));
  if (!search) return 0;
  must(search->maximum_wait <= 5, "MX counts as 5 at most");
  must(!has_control(search->search_target), "ST is one line");
  const announcer::SsdpIdentity identity{"5e1b0d4e-6d2b-4a6f-9d38-0a8c1f2e3d4c",
                                         "http://192.168.77.1:2869/t/igd1.xml",
                                         "http://192.168.77.1:2869/t/igd2.xml"};
  const auto answers = announcer::search_answers(*search, identity);
  std::size_t lines = 0;
  for (const auto& answer : answers) {
    const std::string text = announcer::reply_text(identity, answer, 0);
    const auto now = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    must(lines == 0 || now == lines, "every answer has the same lines");
    must(text.ends_with("\r\n\r\n") && text.find("\r\n\r\n") == text.size() - 4, "one head");
    must(text.size() < 1024, "an answer fits a packet");
    lines = now;
  }
  return 0;
}
