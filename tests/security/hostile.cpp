#include "hostile.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace upnpd::test {

std::mt19937::result_type Hostile::seed() {
  std::mt19937::result_type seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) < 0) std::abort();
  return seed;
}

std::uint16_t Hostile::any_port() {
  constexpr std::uint16_t kEdges[] = {0, 1, 22, 80, 1023, 1024, 1900, 65535};
  return below(2) == 0 ? kEdges[below(8)] : static_cast<std::uint16_t>(below(65536));
}

Ipv4Address Hostile::any_address() {
  const char* const kAddresses[] = {"192.168.77.1", "192.168.78.30", "203.0.113.1",
                                    "203.0.113.10", "127.0.0.1",     "255.255.255.255",
                                    "0.0.0.0",      "224.0.0.1",     "8.8.8.8"};
  if (below(3) == 0) return *Ipv4Address::parse(kAddresses[below(9)]);
  // Some hosts again and again: they come to what one may have.
  if (below(2) == 0) return Ipv4Address::from_host_order(0xc0a84d0au + below(4));
  return Ipv4Address::from_host_order(0xc0a84d00u + below(256));
}

bool Hostile::send(std::vector<std::byte> frame, Manner manner) {
  int descriptor = -1;
  switch (manner) {
    case Manner::Good: break;
    case Manner::Mutated:
      for (unsigned i = below(4); i-- > 0;)
        frame[below(static_cast<unsigned>(frame.size()))] = std::byte(below(256));
      break;
    case Manner::Cut: frame.resize(1 + below(static_cast<unsigned>(frame.size()))); break;
    case Manner::Noise:
      frame.resize(1 + below(2000));
      for (std::byte& byte : frame)
        byte = std::byte(below(256));
      break;
    case Manner::WithDescriptors: descriptor = STDERR_FILENO; break;
    case Manner::TooLong: frame.resize(wire::kMaxFrame + 1 + below(1000)); break;
  }
  return channel_.send_frame(std::move(frame), descriptor).has_value();
}

bool Hostile::drain() {
  if (channel_.has_queued() && !channel_.flush()) return false;
  for (int i = 0; i < 1000; ++i) {
    const auto frames = channel_.receive();
    if (!frames) return false;
    if (frames->empty()) return true;
  }
  return true;
}

void Hostile::wait() const {
  pollfd ready{channel_.fd(), static_cast<short>(channel_.has_queued() ? POLLIN | POLLOUT : POLLIN),
               0};
  ::poll(&ready, 1, 10);
}

}  // namespace upnpd::test
