// An announcer that an attacker has taken over.
#include <unistd.h>

#include "announcer.h"
#include "hostile.h"

namespace upnpd::announcer {

[[noreturn]] int run_announcer(base::Fd channel, std::function<void()> lock_down) {
  using test::Hostile;
  lock_down();
  Hostile hostile(std::move(channel));
  const auto frame = [&] {
    return hostile.below(4) == 0 ? wire::encode(Pong{hostile.below(9)})
                                 : wire::encode(AnnouncerReady{hostile.any_port()});
  };
  for (unsigned sent = 0; hostile.drain(); ++sent) {
    if (!hostile.send(frame(), sent == 0 ? Hostile::Manner::Good : hostile.any_manner())) break;
    hostile.wait();
  }
  ::_exit(1);
}

}  // namespace upnpd::announcer
