#include "request_bytes.h"

#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "clock.h"
#include "recv_call.h"

namespace upnpd::igd {
namespace {

// By descriptor: a call of the C library brings nothing else. The service has one thread.
std::map<int, RequestBytes*>& connections() {
  static std::map<int, RequestBytes*> all;
  return all;
}

}  // namespace

RequestBytes::RequestBytes(int fd) : fd_(fd) {
  base::answer_recv_with(&RequestBytes::receive);
  connections().insert_or_assign(fd_, this);
}

RequestBytes::~RequestBytes() {
  connections().erase(fd_);
}

void RequestBytes::end_silent_body(BootTime now) const {
  // Wakes libmicrohttpd, which then reads the end.
  if (length_.is_measuring() && now - last_came_ >= kSilence) ::shutdown(fd_, SHUT_RD);
}

ssize_t RequestBytes::receive(int fd, void* buffer, std::size_t size, int flags) {
  const auto found = connections().find(fd);
  if (found == connections().end()) return base::real_recv(fd, buffer, size, flags);
  return found->second->read(static_cast<char*>(buffer), size, flags);
}

// Less than `size` tells libmicrohttpd that there is no more to read for now; so while something is
// held back, the socket is read until that is true.
ssize_t RequestBytes::read(char* buffer, std::size_t size, int flags) {
  std::size_t filled = length_.give(buffer, size);
  while (filled < size && !have_ended_) {
    const ssize_t count = base::real_recv(fd_, buffer + filled, size - filled, flags);
    if (count < 0 && filled == 0) return count;
    if (count < 0) break;
    if (count == 0) {
      have_ended_ = true;
      length_.end();
    } else {
      const auto came = static_cast<std::size_t>(count);
      filled += length_.take({buffer + filled, came});
      if (length_.is_holding()) last_came_ = base::boot_now();
    }
    filled += length_.give(buffer + filled, size - filled);
    if (!length_.is_holding()) break;
  }
  return static_cast<ssize_t>(filled);
}

}  // namespace upnpd::igd
