// upnpd-load: asks a gateway the same thing again and again, and prints as one line of JSON what
// the answers took.
//   upnpd-load ACTION --gateway URL [--name value]...
// ACTION: add, delete, pairs, specific, generic, list, external. URL is the description's.
#include <cstdio>

#include "closed_loop.h"
#include "gateway.h"
#include "options.h"
#include "soap_requests.h"

using namespace upnpd::bench;

namespace {

std::string faults_json(const Result& result) {
  std::string members;
  for (const auto& [fault, count] : result.faults)
    members += (members.empty() ? "\"" : ", \"") + fault + "\": " + std::to_string(count);
  return "{" + members + "}";
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  const Gateway gateway = learn_gateway(options.text("gateway"));
  const bool keep_alive = options.text("connection", "close") == "keep-alive";
  const unsigned connections = options.number("connections", 1);
  const Range range{options.number("first", 20000), options.number("range", 1),
                    options.number("stride", 1)};
  const SoapRequests requests(gateway, parse_action(options.action()), range, connections,
                              keep_alive);
  const Result result = run(gateway, requests,
                            {.connections = connections,
                             .keep_alive = keep_alive,
                             .clients = options.list("clients"),
                             .requests = options.number("requests", 1000),
                             .time = std::chrono::seconds(options.number("seconds", 10)),
                             .until_fault = options.text("until", "") == "fault"});
  std::printf("{%s, \"deletes\": {%s}, \"largest_answer\": %zu, \"faults\": %s}\n",
              result.answers.to_json(result.elapsed).c_str(),
              result.deletes.to_json(result.elapsed).c_str(), result.largest_answer,
              faults_json(result).c_str());
}
