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
  // While somebody listens, the kernel keeps some KiB for each change of a transaction until it is
  // done, whoever makes it. So a large one of our own is made in silence. What others do meanwhile
  // is told as Lost: the kernel counts transactions, and there is one more than ours.
  template <class Transaction>
  auto in_silence(NlSocket& requests, const Transaction& transaction) {
    const auto before = generation_of(requests);
    listen(false);
    auto done = transaction();
    listen(true);
    const std::uint32_t ours = done ? 1 : 0;
    const auto after = generation_of(requests);
    missed_ = missed_ || !before || !after || *after != *before + ours;
    return done;
  }

  // Reads what is waiting, a bounded part of it at a time. Lost: the kernel had more to tell than
  // it keeps, or it cannot be read.
  ForeignChange drain();

 private:
  static std::expected<std::uint32_t, NetlinkError> generation_of(NlSocket& requests);
  bool listen(bool yes) const;

  NlSocket events_;
  bool missed_ = false;
};

}  // namespace upnpd::kernel
