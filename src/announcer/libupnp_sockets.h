// Keeps libupnp on its LAN. It makes sockets of its own, has no setting for what they may do, and
// several of its releases get it wrong; so the calls it makes to the C library are answered here.
// libupnp_sockets.cpp defines socket, bind, setsockopt, connect, accept, select, close, getaddrinfo
// and inet_pton in the executable, where the dynamic linker finds them before the C library's; recv
// is base/recv_call.h's. Until guard_libupnp_sockets() is called, which only the announcer does,
// they pass every call on unchanged; from then on, for this process:
//
// - SSDP's listening sockets are never bound and join no group: searches are search_responder.h's.
// - The event listener is bound to the interface, for both families, and takes another port when
//   its own is taken; libupnp's own ones for IPv6 are not available.
// - Multicast leaves on the interface with TTL 2 (UDA 1.1 section 1.1.2), whatever was set.
// - accept: hosts of the LAN only, as many as Connections allows.
// - recv: at most Connections::kMaxBytes on a connection; a SUBSCRIBE as subscribe_head.h has it.
// - connect: as may_connect() says, else ECONNREFUSED; at most 2 s. A moment after a SUBSCRIBE it
//   waits, so that the first event does not overtake the answer.
// - select: gives a connection Connections::kMaxTime in all, not 30 s.
// - inet_pton: while a request is served, only what named_by() allows; a host that subscribes too
//   often gets none at all, and so no subscription.
// - getaddrinfo: always fails at once: nothing is resolved.
//
// It needs a dynamically linked libupnp or one that calls these functions by name, and a
// dynamically linked C library.
#pragma once

#include "lan_guard.h"

namespace upnpd::announcer {

// Switches the guard on, for good. Call it before libupnp is initialised.
void guard_libupnp_sockets(GuardedLan lan);
// The LAN's IPv6 networks are these from now on.
void set_guarded_ipv6_networks(std::vector<IpNetwork> networks);

// Where libupnp listens; -1 while it does not. It stays open.
int libupnp_listener();

// Readable from when libupnp has accepted a connection until it is read; -1 without the guard.
int libupnp_accepted();

// How libupnp's threads get on, as their calls tell.
struct LibupnpProgress {
  unsigned accepts = 0;  // calls so far
  bool has_connections = false;
  bool is_overdue = false;  // as Connections::is_any_overdue()
};
LibupnpProgress libupnp_progress();

// While it lives, its thread may connect to the igd service, and nowhere else.
class DescriptionDownload {
 public:
  DescriptionDownload();
  DescriptionDownload(const DescriptionDownload&) = delete;
  DescriptionDownload& operator=(const DescriptionDownload&) = delete;
  ~DescriptionDownload();
};

}  // namespace upnpd::announcer
