// Notices that one of libupnp's threads hangs while the announcer's own loop turns: a subscriber is
// not accepted, or one that was is left where it is. Looks from a subscriber's first packet, or an
// event, until libupnp has no connection any more; costs an idle process no wake-up.
#pragma once

#include <functional>
#include <memory>

#include "loop.h"
#include "upnpd/time.h"

namespace upnpd::announcer {

class LibupnpWatch {
 public:
  // libupnp listens already. `hung` is called when it hangs, and does not return.
  LibupnpWatch(base::Loop& loop, std::function<void()> hung);
  // libupnp has been given something to do.
  void look();

 private:
  void wait_for_work();
  void check();

  base::Loop& loop_;
  const int listener_;
  std::function<void()> hung_;
  std::unique_ptr<base::FdWatcher> bell_;
  // libupnp may have accepted before this process's loop has seen that somebody waits.
  base::FdWatcher accepted_bell_;
  base::Timer timer_;
  unsigned accepts_ = 0;  // as of accepted_
  BootTime accepted_;     // when libupnp last accepted, or had nobody to accept
};

}  // namespace upnpd::announcer
