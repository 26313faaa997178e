// The calls of the C library that libupnp_sockets.cpp answers, as they are.
#pragma once

#include <dlfcn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace upnpd::announcer {

// The C library's own function of that name, for those that are no system call.
template <class Function>
Function* next_definition(const char* name) {
  void* const symbol = ::dlsym(RTLD_NEXT, name);
  Function* function = nullptr;
  std::memcpy(&function, &symbol, sizeof function);
  return function;
}

// What a system call returned, as the C library's wrapper returns it.
inline int as_int(long result) {
  return static_cast<int>(result);
}

inline int real_bind(int fd, const sockaddr* address, socklen_t length) {
  return as_int(::syscall(SYS_bind, fd, address, length));
}

inline int real_close(int fd) {
  return as_int(::syscall(SYS_close, fd));
}

inline int real_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return as_int(::syscall(SYS_setsockopt, fd, level, name, value, length));
}

inline int real_connect(int fd, const sockaddr* address, socklen_t length) {
  return as_int(::syscall(SYS_connect, fd, address, length));
}

// What a call returns that fails so.
inline int failed(int error) {
  errno = error;
  return -1;
}

}  // namespace upnpd::announcer
