// Hears at a child's door that a LAN program asks for something. The gateway keeps the socket a
// child listens on; when something waits there, the child is asked for a sign of life. So a child
// that hangs is noticed by the first who needs it, and an idle one costs no wake-up.
#pragma once

#include <memory>

#include "loop.h"
#include "supervised_child.h"

namespace upnpd::gateway {

class Doorbell {
 public:
  // `door`, a socket that `child` reads from, and `child` outlive the bell.
  Doorbell(base::Loop& loop, const base::Fd& door, SupervisedChild& child);

 private:
  void listen();
  void ring();

  base::Loop& loop_;
  const base::Fd& door_;
  SupervisedChild& child_;
  std::unique_ptr<base::FdWatcher> watcher_;
  base::Timer pause_;
};

}  // namespace upnpd::gateway
