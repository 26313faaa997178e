// One client of a gateway: sends a request, takes the answer, and does so again, on a new
// connection each time or on the same one. Never blocks; whoever owns it waits on fd().
#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>

#include "fd.h"

namespace upnpd::bench {

struct HttpAnswer {
  int status;
  std::string_view body;  // as it came: a chunked one with its chunks' sizes
};

enum class Progress { Waiting, Answered, Broken };

class HttpConnection {
 public:
  // `from` is what the connections are bound to.
  HttpConnection(sockaddr_in to, sockaddr_in from, bool keep_alive)
      : to_(to), from_(from), keep_alive_(keep_alive) {}

  // Begins to send `request`, on a connection of its own if there is none. False: no socket.
  bool begin(std::string request);
  // Goes on as far as it goes now. Answered: answer() is whole.
  Progress advance();
  // Valid until the next begin().
  HttpAnswer answer() const;

  int fd() const { return fd_.get(); }
  // Whether it waits for room to send, and not for the answer.
  bool wants_to_write() const { return sent_ < request_.size(); }

 private:
  bool connect();
  Progress send();
  Progress receive();
  bool is_whole() const;
  bool peer_closes() const;

  sockaddr_in to_, from_;
  bool keep_alive_;
  base::Fd fd_;
  std::string request_, received_;
  std::size_t sent_ = 0;
};

}  // namespace upnpd::bench
