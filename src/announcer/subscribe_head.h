// The one SUBSCRIBE to which libupnp has another answer than the standard: with a CALLBACK, without
// NT and SID. UDA 1.1 section 4.1.2 has 412 for it; libupnp takes it for a renewal that names a
// CALLBACK and answers 400. Without the CALLBACK it would answer 412. Pure.
#pragma once

#include <span>

namespace upnpd::announcer {

// Spoils the name of CALLBACK in what libupnp is about to read, if that is such a SUBSCRIBE and its
// head is there whole: one that comes in pieces has libupnp's answer.
void hide_callback_without_nt(std::span<char> request);

}  // namespace upnpd::announcer
