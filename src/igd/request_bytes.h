// What libmicrohttpd reads from a connection: the client's bytes, with the lengths that are missing
// (missing_length.h). It has no place where its input could be amended, so the call by which it
// reads, recv(2), is answered here for the descriptors that have a RequestBytes (base/recv_call.h).
#pragma once

#include "missing_length.h"
#include "upnpd/time.h"

namespace upnpd::igd {

class RequestBytes {
 public:
  // A body of unknown length is over when nothing has come for this long.
  static constexpr std::chrono::seconds kSilence{1};

  // Amends what is read from `fd`, from the next byte on, while this lives.
  explicit RequestBytes(int fd);
  RequestBytes(const RequestBytes&) = delete;
  RequestBytes& operator=(const RequestBytes&) = delete;
  ~RequestBytes();

  // Reads no more from the client when its body of unknown length has gone silent by `now`.
  void end_silent_body(BootTime now) const;
  // Whether the client's last byte was seen here, of which libmicrohttpd may know nothing.
  bool have_ended() const { return have_ended_; }

 private:
  static ssize_t receive(int fd, void* buffer, std::size_t size, int flags);
  ssize_t read(char* buffer, std::size_t size, int flags);

  int fd_;
  MissingLength length_;
  BootTime last_came_{};
  bool have_ended_ = false;
};

}  // namespace upnpd::igd
