#include "doorbell.h"

namespace upnpd::gateway {
namespace {

// A busy child is asked twice a second, not at each packet.
constexpr std::chrono::milliseconds kPause{500};

}  // namespace

Doorbell::Doorbell(base::Loop& loop, const base::Fd& door, SupervisedChild& child)
    : loop_(loop), door_(door), child_(child), pause_(loop, [this] { listen(); }) {
  listen();
}

void Doorbell::listen() {
  watcher_ = std::make_unique<base::FdWatcher>(loop_, door_.get(), base::Interest::Read,
                                               [this] { ring(); });
}

void Doorbell::ring() {
  watcher_.reset();
  pause_.start(kPause);
  child_.ask_for_life();
}

}  // namespace upnpd::gateway
