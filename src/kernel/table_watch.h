// Hears of what others change in the kernel's nf_tables. Our own transactions, and single changes
// of other tables, are dropped by a filter inside the kernel: they wake nobody.
#pragma once

#include "nl_socket.h"
#include "upnpd/nat.h"

namespace upnpd::kernel {

class TableWatch {
 public:
  // Changes made through the socket of this port id are our own.
  static std::expected<TableWatch, NetlinkError> open(std::uint32_t own_port_id);
  explicit TableWatch(NlSocket events) : events_(std::move(events)) {}

  // Readable when something may have changed.
  int fd() const { return events_.fd(); }
  // Reads what is waiting, a bounded part of it at a time. Lost: the kernel had more to tell than
  // it keeps, or it cannot be read.
  ForeignChange drain();

 private:
  NlSocket events_;
};

}  // namespace upnpd::kernel
