// Keeps the address space of libupnp's threads small, so that the process works under RLIMIT_AS.
#pragma once

namespace upnpd::announcer {

// Threads made from now on have stacks of 1 MiB, where the C library's default is more (glibc: 8),
// and share one heap, where it would give each its own (glibc: 64 MiB of address space apiece).
void keep_threads_small();

}  // namespace upnpd::announcer
