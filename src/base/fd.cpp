#include "fd.h"

#include <unistd.h>

namespace upnpd::base {

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace upnpd::base
