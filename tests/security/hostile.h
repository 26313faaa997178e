// What both doubles of a compromised child do: say to the gateway whatever the channel carries.
#pragma once

#include <random>
#include <vector>

#include "channel.h"

namespace upnpd::test {

class Hostile {
 public:
  explicit Hostile(base::Fd channel) : channel_(std::move(channel)), random_(seed()) {}

  unsigned below(unsigned limit) {
    return limit == 0 ? 0 : static_cast<unsigned>(random_() % limit);
  }
  std::uint16_t any_port();
  Ipv4Address any_address();

  // Sends `good` as it is, mutated, cut, with a descriptor nobody asked for, or noise in its place:
  // as `manner` says. False when the gateway has had enough of us.
  enum class Manner { Good, Mutated, Cut, Noise, WithDescriptors, TooLong };
  Manner any_manner() { return static_cast<Manner>(below(6)); }
  bool send(std::vector<std::byte> good, Manner manner);
  // Takes in what the gateway says, so that it never waits for us; false when it has gone.
  bool drain();
  // Waits until the gateway takes more.
  void wait() const;

 private:
  static std::mt19937::result_type seed();
  wire::Channel channel_;
  std::mt19937 random_;
};

}  // namespace upnpd::test
