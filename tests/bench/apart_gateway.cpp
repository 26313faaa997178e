#include "apart_gateway.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>

#include "fixed_answer.h"
#include "latencies.h"
#include "options.h"

namespace upnpd::bench {
namespace {

// The process that has the map: adds as many elements as each number it gets says, and sends the
// number back.
[[noreturn]] void add_elements(NftMap& map, int socket) {
  unsigned count = 0, added = 0;
  while (::recv(socket, &count, sizeof count, 0) == sizeof count) {
    map.add(port_of(added), count);
    added += count;
    ::send(socket, &count, sizeof count, MSG_NOSIGNAL);
  }
  ::_exit(0);
}

// The one that has the connections.
struct Front {
  int socket;                           // to the other
  std::deque<MHD_Connection*> waiting;  // suspended, those asked for first
  unsigned unasked = 0;                 // the last of them

  void ask() {
    if (unasked != 0 && ::send(socket, &unasked, sizeof unasked, MSG_NOSIGNAL) != sizeof unasked)
      fail("the other process is gone");
    unasked = 0;
  }
  void hear() {
    unsigned count = 0;
    if (::recv(socket, &count, sizeof count, 0) != sizeof count) fail("the other process is gone");
    for (; count > 0; --count) {
      MHD_resume_connection(waiting.front());
      waiting.pop_front();
    }
  }
};

// libmicrohttpd calls once more for a connection that goes on: that it waited stands in `seen`.
MHD_Result answer(void* self, MHD_Connection* connection, const char*, const char* method,
                  const char*, const char*, std::size_t* size, void** seen) {
  static char asked;
  auto& front = *static_cast<Front*>(self);
  if (!is_control(method)) return queue_description(connection);
  if (*seen == &asked) return queue_reply(connection);
  if (!has_ended(size, seen)) return MHD_YES;
  *seen = &asked;
  front.waiting.push_back(connection);
  ++front.unasked;
  MHD_suspend_connection(connection);
  return MHD_YES;
}

}  // namespace

void serve_apart(NftMap& map, std::uint16_t port, std::chrono::seconds time) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    fail_with_errno("socketpair");
  if (::fork() == 0) {
    ::close(ends[0]);
    add_elements(map, ends[1]);
  }
  ::close(ends[1]);
  Front front{.socket = ends[0], .waiting = {}};
  MHD_Daemon* const daemon =
      MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, port, nullptr, nullptr, &answer,
                       &front, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
  if (daemon == nullptr) fail_with_errno("libmicrohttpd");
  const int http = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->listen_fd;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    std::array<pollfd, 2> fds{{{http, POLLIN, 0}, {front.socket, POLLIN, 0}}};
    MHD_UNSIGNED_LONG_LONG wait = 1000;
    (void)MHD_get_timeout(daemon, &wait);
    ::poll(fds.data(), fds.size(), static_cast<int>(wait));
    if ((fds[1].revents & POLLIN) != 0) front.hear();
    MHD_run(daemon);
    front.ask();
  }
}

}  // namespace upnpd::bench
