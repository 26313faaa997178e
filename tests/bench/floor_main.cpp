// upnpd-floor: what the libraries and the kernel cost by themselves, with nothing of upnpd between.
//   upnpd-floor map --table T --map M --requests N [--batch B] [--pause-us P]
//       adds elements to a map, B in a transaction; prints a line of JSON
//   upnpd-floor http --port P --seconds S [--table T --map M [--apart 1]]
//       a gateway with a fixed answer: libmicrohttpd in its own thread; with a map, each answer is
//       given after one element has been added to it, --apart by another process that is asked to
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "latencies.h"
#include "nft_map.h"
#include "options.h"

using namespace upnpd::bench;

namespace {

constexpr unsigned kFirstPort = 1024;
constexpr unsigned kPorts = 60'000;

constexpr const char* kDescription =
    "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device><serviceList>"
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
    "<controlURL>/control</controlURL></service></serviceList></device></root>";
constexpr const char* kReply =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
    "<u:AddPortMappingResponse xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
    "</u:AddPortMappingResponse></s:Body></s:Envelope>\r\n";

struct FixedGateway {
  std::unique_ptr<NftMap> map;  // none: an answer costs nothing but itself
  int process = -1;             // a socket to the one that adds instead
  unsigned answered = 0;

  void add() {
    if (process < 0) return map->add(static_cast<std::uint16_t>(kFirstPort + answered++ % kPorts));
    char byte = 0;
    if (::send(process, &byte, 1, MSG_NOSIGNAL) != 1 || ::recv(process, &byte, 1, 0) != 1)
      fail("the other process is gone");
  }
};

// The one that adds an element for each byte it gets, and sends the byte back.
void set_apart(FixedGateway& gateway) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    fail_with_errno("socketpair");
  if (const pid_t child = ::fork(); child != 0) {
    ::close(ends[1]);
    gateway.process = ends[0];
    return;
  }
  ::close(ends[0]);
  char byte = 0;
  while (::recv(ends[1], &byte, 1, 0) == 1) {
    gateway.add();
    ::send(ends[1], &byte, 1, MSG_NOSIGNAL);
  }
  ::_exit(0);
}

std::unique_ptr<NftMap> map_of(const Options& options, const std::string& table,
                               const std::string& map) {
  if (options.text("map", "").empty()) return nullptr;
  return std::make_unique<NftMap>(table.c_str(), map.c_str());
}

MHD_Result answer(void* self, MHD_Connection* connection, const char*, const char* method,
                  const char*, const char*, std::size_t* size, void** seen) {
  auto& gateway = *static_cast<FixedGateway*>(self);
  const bool is_control = std::strcmp(method, "POST") == 0;
  if (is_control && (*seen == nullptr || *size != 0)) {  // the head, and then the body
    *seen = &gateway;
    *size = 0;
    return MHD_YES;
  }
  if (is_control && gateway.map) gateway.add();
  const char* const text = is_control ? kReply : kDescription;
  MHD_Response* const response = MHD_create_response_from_buffer(
      std::strlen(text), const_cast<char*>(text), MHD_RESPMEM_PERSISTENT);
  MHD_add_response_header(response, "Content-Type", "text/xml");
  const MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return queued;
}

void serve(FixedGateway gateway, unsigned port, std::chrono::seconds time) {
  MHD_Daemon* const daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD, static_cast<std::uint16_t>(port), nullptr, nullptr, &answer,
      &gateway, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
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
    map.add(static_cast<std::uint16_t>(kFirstPort + i * batch % kPorts), batch);
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
    FixedGateway gateway{.map = std::move(nft_map)};
    if (options.number("apart", 0) != 0) set_apart(gateway);
    serve(std::move(gateway), options.number("port", 20080),
          std::chrono::seconds(options.number("seconds", 60)));
  } else if (options.action() == "map" && nft_map)
    fill(*nft_map, options.number("requests", 10'000), options.number("batch", 1),
         std::chrono::microseconds(options.number("pause-us", 0)));
  else
    fail("unknown action: " + options.action());
}
