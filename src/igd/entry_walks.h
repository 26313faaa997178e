// Who walks through the mappings asks GetGenericPortMappingEntry for one index after the other.
// From the second on the gateway is asked for those behind it too, and they are kept here until
// somebody asks for them, the table changes or they are a second old.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "upnpd/messages.h"

namespace upnpd::igd {

class EntryWalks {
 public:
  // Of more hosts than this, those that have gone on last.
  static constexpr std::size_t kMost = 4;
  static constexpr std::uint16_t kFollowing = 31;
  // So long an entry's NewLeaseDuration may be behind.
  static constexpr std::chrono::seconds kFresh{1};

  // The answer to `request`, if it is here. If not, and its caller walks, the request asks for
  // entries that follow from now on.
  std::optional<Reply> answer(ServiceRequest& request, BootTime now);
  // The gateway's `reply` to `request`. Where entries follow in it, these are kept and the one
  // asked for is returned; no value: the reply is the answer.
  std::optional<Reply> take(const ServiceRequest& request, const Reply& reply, BootTime now);
  // The table has changed.
  void forget_entries();

 private:
  struct Walk {
    LanIndex lan;
    IpAddress caller;
    std::uint32_t next;          // index
    std::vector<Entry> entries;  // from `next` on, the last first
    BootTime good_until;
  };
  std::vector<Walk>::iterator walk_of(const RequestHead& head);
  std::vector<Walk> walks_;  // who has gone on last is last
};

}  // namespace upnpd::igd
