#include "recv_call.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace upnpd::base {
namespace {

std::atomic<ReceiveFunction> the_function{&real_recv};

}  // namespace

void answer_recv_with(ReceiveFunction function) {
  the_function = function;
}

ssize_t real_recv(int fd, void* buffer, std::size_t size, int flags) {
  return static_cast<ssize_t>(::syscall(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr));
}

// A name of its own here and the C library's in the symbol table, so that the C library's
// declarations, which differ from one to the other, do not matter.
extern "C" ssize_t upnpd_recv(int fd, void* buffer, std::size_t size, int flags) asm("recv")
    __attribute__((used, visibility("default")));

extern "C" ssize_t upnpd_recv(int fd, void* buffer, std::size_t size, int flags) {
  return the_function.load(std::memory_order_relaxed)(fd, buffer, size, flags);
}

}  // namespace upnpd::base
