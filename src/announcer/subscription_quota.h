// How often one host may subscribe: by its address, and by its hardware address where that is
// known, so that a host with many addresses has little more than one with one.
//
// Several hosts may share a hardware address, behind a repeater or whatever else answers ARP for
// them. So by that twice as much is there at once. All of them together stay below what libupnp
// takes for one service: what is there at once, and one a minute for as long as a subscription
// lasts.
#pragma once

#include <optional>

#include "address_buckets.h"

namespace upnpd::announcer {

class SubscriptionQuota {
 public:
  static constexpr unsigned kOfAddress = 24;        // at once
  static constexpr unsigned kOfHost = 48;           // likewise, by its hardware address
  static constexpr std::chrono::minutes kPause{1};  // until there is another one, of either

  // Takes one; false when there is none left.
  bool take(const IpAddress& address, const std::optional<MacAddress>& host, BootTime now) {
    return by_address_.take(address, now) && (!host || by_host_.take(*host, now));
  }

 private:
  AddressBuckets by_address_{{.burst = kOfAddress, .per_token = kPause, .addresses = 256}};
  AddressBuckets by_host_{{.burst = kOfHost, .per_token = kPause, .addresses = 256}};
};

}  // namespace upnpd::announcer
