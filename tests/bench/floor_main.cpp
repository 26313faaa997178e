// upnpd-floor: what the libraries and the kernel cost by themselves, with nothing of upnpd between.
//   upnpd-floor map --table T --map M --requests N [--batch B] [--pause-us P]
//       adds elements to a map, B in a transaction; prints a line of JSON
//   upnpd-floor http --port P --seconds S [--table T --map M [--apart 1]]
//       a gateway with a fixed answer: libmicrohttpd in its own thread; with a map, each answer is
//       given after one element has been added to it, --apart by another process
#include <microhttpd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "apart_gateway.h"
#include "fixed_answer.h"
#include "latencies.h"
#include "nft_map.h"
#include "options.h"

using namespace upnpd::bench;

namespace {

struct FixedGateway {
  std::unique_ptr<NftMap> map;  // none: an answer costs nothing but itself
  unsigned answered = 0;
};

std::unique_ptr<NftMap> map_of(const Options& options, const std::string& table,
                               const std::string& map) {
  if (options.text("map", "").empty()) return nullptr;
  return std::make_unique<NftMap>(table.c_str(), map.c_str());
}

MHD_Result answer(void* self, MHD_Connection* connection, const char*, const char* method,
                  const char*, const char*, std::size_t* size, void** seen) {
  auto& gateway = *static_cast<FixedGateway*>(self);
  if (!is_control(method)) return queue_description(connection);
  if (!has_ended(size, seen)) return MHD_YES;
  if (gateway.map) gateway.map->add(port_of(gateway.answered++));
  return queue_reply(connection);
}

void serve(FixedGateway gateway, std::uint16_t port, std::chrono::seconds time) {
  MHD_Daemon* const daemon =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, nullptr, nullptr, &answer, &gateway,
                       MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
  if (daemon == nullptr) fail_with_errno("libmicrohttpd");
  std::this_thread::sleep_for(time);
  MHD_stop_daemon(daemon);
}

void fill(NftMap& map, unsigned requests, unsigned batch, std::chrono::microseconds pause) {
  Latencies latencies;
  const auto start = Clock::now();
  for (unsigned i = 0; i < requests; ++i) {
    std::this_thread::sleep_for(pause);
    const auto begun = Clock::now();
    map.add(port_of(i * batch), batch);
    latencies.add(Clock::now() - begun);
  }
  std::printf("{%s}\n", latencies.to_json(Clock::now() - start).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  const std::string table = options.text("table", "floor"), map = options.text("map", "");
  auto nft_map = map_of(options, table, map);
  if (options.action() == "http") {
    const auto port = static_cast<std::uint16_t>(options.number("port", 20080));
    const std::chrono::seconds time(options.number("seconds", 60));
    if (nft_map && options.number("apart", 0) != 0)
      serve_apart(*nft_map, port, time);
    else
      serve({.map = std::move(nft_map)}, port, time);
  } else if (options.action() == "map" && nft_map)
    fill(*nft_map, options.number("requests", 10'000), options.number("batch", 1),
         std::chrono::microseconds(options.number("pause-us", 0)));
  else
    fail("unknown action: " + options.action());
}
