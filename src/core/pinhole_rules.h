// The rules a request about a pinhole must pass before the table is asked, so ordered that the most
// specific error of WANIPv6FirewallControl:1 section 2.4 wins. Pure.
#pragma once

#include "request_rules.h"
#include "upnpd/messages.h"

namespace upnpd::core {

// What AddPinhole asks for once its arguments are judged. The lease is final.
struct WantedPinhole {
  PinholeKey key;
  PinholeLease lease;
  MacAddress host;  // whose address the client is
};

// Judges all arguments of AddPinhole but the permission lines.
std::expected<WantedPinhole, Refusal> judge_pinhole(const RequestHead& head,
                                                    const PinholeArguments& arguments,
                                                    const Policy& policy,
                                                    const Surroundings& surroundings);

// The lease granted for LeaseTime or NewLeaseTime `asked`.
std::expected<PinholeLease, Refusal> judge_lease_time(std::uint32_t asked, const Policy& policy);

// An IANA protocol number that pinholes are made for.
std::expected<Protocol, Refusal> judge_pinhole_protocol(std::uint16_t number);

// What every action on pinholes starts with: the caller is on its LAN, and there may be pinholes.
std::expected<void, Refusal> judge_pinhole_caller(const RequestHead& head, const Policy& policy,
                                                  const Surroundings& surroundings);

}  // namespace upnpd::core
