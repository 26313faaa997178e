// A configuration: every problem is named with its place, in one line.
#include "config.h"
#include "fuzz.h"

using namespace upnpd;
using namespace upnpd::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto reading = gateway::read_config(text_of(data, size), "fuzz.conf");
  for (const gateway::ConfigProblem& problem : reading.problems) {
    must(problem.where.starts_with("fuzz.conf"), "a problem has a place");
    must(!has_control(gateway::to_string(problem)), "a problem is one line, fit for a terminal");
  }
  return 0;
}
