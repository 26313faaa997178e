// recv(2), answered in the C library's place. Libraries that read from sockets by themselves leave
// no other way to see, bound or amend what they read; recv_call.cpp defines the function in the
// executable, where the dynamic linker finds it before the C library's. Each process answers the
// call in one way: as it is, until answer_recv_with().
//
// It needs libraries that call recv by name, and a dynamically linked C library.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace upnpd::base {

using ReceiveFunction = ssize_t (*)(int fd, void* buffer, std::size_t size, int flags);

// From now on, in every thread.
void answer_recv_with(ReceiveFunction function);

// The call as it is.
ssize_t real_recv(int fd, void* buffer, std::size_t size, int flags);

}  // namespace upnpd::base
