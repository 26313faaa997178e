#include "libupnp_watch.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <utility>

#include "clock.h"
#include "lan_guard.h"
#include "libupnp_sockets.h"

namespace upnpd::announcer {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{500};

bool is_waited_at(int listener) {
  pollfd waiting{listener, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

}  // namespace

LibupnpWatch::LibupnpWatch(base::Loop& loop, std::function<void()> hung)
    : loop_(loop),
      listener_(libupnp_listener()),
      hung_(std::move(hung)),
      accepted_bell_(loop, libupnp_accepted(), base::Interest::Read,
                     [this] {
                       eventfd_t count = 0;
                       ::eventfd_read(libupnp_accepted(), &count);
                       look();
                     }),
      timer_(loop, [this] { check(); }) {
  wait_for_work();
}

void LibupnpWatch::wait_for_work() {
  bell_ =
      std::make_unique<base::FdWatcher>(loop_, listener_, base::Interest::Read, [this] { look(); });
}

void LibupnpWatch::look() {
  if (timer_.is_running()) return;
  bell_.reset();
  accepts_ = libupnp_progress().accepts;
  accepted_ = base::boot_now();
  timer_.start(kBetweenLooks);
}

void LibupnpWatch::check() {
  const BootTime now = base::boot_now();
  const LibupnpProgress progress = libupnp_progress();
  const bool waited_at = is_waited_at(listener_);
  if (!waited_at || progress.accepts != accepts_) {
    accepts_ = progress.accepts;
    accepted_ = now;
  }
  if (progress.is_overdue || now - accepted_ >= Connections::kPatience) return hung_();
  if (waited_at || progress.has_connections)
    timer_.start(kBetweenLooks);
  else
    wait_for_work();
}

}  // namespace upnpd::announcer
