// upnpd-traffic: packets through a mapping, counted.
//   upnpd-traffic sink --port P --seconds S       takes connections and ends them, echoes datagrams
//   upnpd-traffic tcp --to ADDRESS:PORT ...       new connections, one after the other
//   upnpd-traffic udp --to ADDRESS:PORT ...       one flow, so many datagrams on their way at a
//   time
// The last two print a line of JSON. Each ends after its seconds.
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "fd.h"
#include "gateway.h"
#include "latencies.h"
#include "options.h"

using namespace upnpd::bench;
using upnpd::base::Fd;

namespace {

constexpr int kLostAfterMs = 200;

Fd make_socket(int type) {
  Fd fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) fail_with_errno("socket");
  return fd;
}

bool wait_for(const Fd& fd, short events, int milliseconds) {
  pollfd waiting{fd.get(), events, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Fd bound(int type, unsigned port) {
  Fd fd = make_socket(type);
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(fd.get(), generic(address), sizeof address) != 0) fail_with_errno("bind");
  if (type == SOCK_STREAM && ::listen(fd.get(), 1024) != 0) fail_with_errno("listen");
  return fd;
}

void echo_all(const Fd& datagrams) {
  std::array<char, 2048> data;
  sockaddr_in from{};
  socklen_t size = sizeof from;
  ssize_t length = 0;
  while ((length = ::recvfrom(datagrams.get(), data.data(), data.size(), 0,
                              reinterpret_cast<sockaddr*>(&from), &size)) >= 0)
    ::sendto(datagrams.get(), data.data(), static_cast<std::size_t>(length), 0, generic(from),
             size);
}

void sink(unsigned port, Clock::time_point end) {
  const Fd listener = bound(SOCK_STREAM, port);
  const Fd datagrams = bound(SOCK_DGRAM, port);
  while (Clock::now() < end) {
    std::array<pollfd, 2> waiting{{{listener.get(), POLLIN, 0}, {datagrams.get(), POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), 100);
    while (Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
    }
    echo_all(datagrams);
  }
}

// A connection that is reset at once: none is left in TIME_WAIT, so that ports do not run out.
bool connects(const sockaddr_in& to) {
  const Fd fd = make_socket(SOCK_STREAM);
  const linger reset{1, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (::connect(fd.get(), generic(to), sizeof to) == 0) return true;
  if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, kLostAfterMs)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0;
}

void print(const Latencies& latencies, Clock::duration elapsed, unsigned lost) {
  std::printf("{%s, \"lost\": %u}\n", latencies.to_json(elapsed).c_str(), lost);
}

void tcp(const sockaddr_in& to, Clock::time_point end) {
  Latencies latencies;
  unsigned lost = 0;
  const auto start = Clock::now();
  while (Clock::now() < end) {
    const auto begun = Clock::now();
    if (connects(to))
      latencies.add(Clock::now() - begun);
    else
      ++lost;
  }
  print(latencies, Clock::now() - start, lost);
}

// `window` datagrams are on their way at any time; each one that is back is sent again.
void udp(const sockaddr_in& to, Clock::time_point end, unsigned window) {
  const Fd fd = make_socket(SOCK_DGRAM);
  if (::connect(fd.get(), generic(to), sizeof to) != 0) fail_with_errno("connect");
  std::array<char, 64> data{};
  Latencies latencies;
  unsigned lost = 0;
  unsigned on_their_way = 0;
  const auto start = Clock::now();
  while (Clock::now() < end) {
    for (; on_their_way < window; ++on_their_way)
      ::send(fd.get(), data.data(), data.size(), 0);
    if (!wait_for(fd, POLLIN, kLostAfterMs)) {
      lost += on_their_way;
      on_their_way = 0;
    }
    while (on_their_way > 0 && ::recv(fd.get(), data.data(), data.size(), 0) >= 0) {
      latencies.add(Clock::duration(0));
      --on_their_way;
    }
  }
  print(latencies, Clock::now() - start, lost);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  const auto end = Clock::now() + std::chrono::seconds(options.number("seconds", 2));
  if (options.action() == "sink")
    sink(options.number("port", 20000), end);
  else if (options.action() == "tcp")
    tcp(address_of(options.text("to")), end);
  else if (options.action() == "udp")
    udp(address_of(options.text("to")), end, options.number("window", 32));
  else
    fail("unknown action: " + options.action());
}
