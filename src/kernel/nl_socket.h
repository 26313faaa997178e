// A netlink socket: requests that are answered by messages, and nf_tables batches that are taken as
// a whole or refused as a whole. It waits at most kPatience for the kernel, which answers at once.
#pragma once

#include <libmnl/libmnl.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace upnpd::kernel {

// Why the kernel refused: errno (positive), and what was tried, in words for a log.
struct NetlinkError {
  int error;
  std::string what;
};

class NlSocket {
 public:
  using OnMessage = std::function<void(const nlmsghdr&)>;
  static constexpr std::chrono::seconds kPatience{5};

  // Opens a socket to `bus` (NETLINK_ROUTE, NETLINK_NETFILTER) that receives the multicasts of
  // `groups` (RTMGRP_..., 0 for none).
  static std::expected<NlSocket, NetlinkError> open(int bus, unsigned groups = 0);

  int fd() const { return mnl_socket_get_fd(socket_.get()); }

  // Sends one request and hands each message of the answer to `on_message`. `request` asks for a
  // dump (NLM_F_DUMP) or for an acknowledgement (NLM_F_ACK), so that the end of the answer shows.
  // EINTR: the kernel's state changed during the dump, what came is not one consistent view.
  std::expected<void, NetlinkError> ask(nlmsghdr& request, const OnMessage& on_message);

  // An error and the sequence number of the message that caused it, 0 where none did.
  struct Refusal {
    int error;
    std::uint32_t sequence;
  };
  // Sends a batch whose last message before NFNL_MSG_BATCH_END asks for an acknowledgement.
  std::expected<void, Refusal> send_batch(std::span<const std::byte> batch);

  // Hands each message that is waiting to `on_message`, without waiting for more. ENOBUFS: some
  // were lost.
  std::expected<void, NetlinkError> receive_waiting(const OnMessage& on_message);

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;
  explicit NlSocket(Socket socket);
  // Receives into buffer_; `flags` as recv(2) has them.
  std::expected<std::span<const std::byte>, int> receive(int flags);
  void make_room_to_send(std::size_t bytes);

  Socket socket_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
};

// Calls `dump`, which returns an expected<..., NetlinkError>, again while a change made meanwhile
// interrupts it, a few times.
template <class Dump>
auto until_uninterrupted(const Dump& dump) {
  constexpr int kAttempts = 8;
  auto result = dump();
  for (int i = 1; i < kAttempts && !result && result.error().error == EINTR; ++i)
    result = dump();
  return result;
}

}  // namespace upnpd::kernel
