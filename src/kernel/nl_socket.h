// A netlink socket: requests that are answered by messages, and nf_tables batches that are taken as
// a whole or refused as a whole. It waits at most kPatience for the kernel, which answers at once.
#pragma once

#include <libmnl/libmnl.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
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

// What an NlSocket sends and receives by: a socket of the kernel's, or a test's script. Errors are
// errno, positive.
class NlTransport {
 public:
  virtual ~NlTransport() = default;
  virtual int fd() const = 0;
  virtual std::uint32_t port_id() const = 0;  // the kernel's name for it
  // As send(2) and recv(2) with MSG_TRUNC have it; send() makes room for `datagram` first.
  virtual std::expected<void, int> send(std::span<const std::byte> datagram) = 0;
  virtual std::expected<std::size_t, int> receive(std::span<std::byte> buffer, int flags) = 0;
};

class NlSocket {
 public:
  using OnMessage = std::function<void(const nlmsghdr&)>;
  static constexpr std::chrono::seconds kPatience{5};

  // Opens a socket to `bus` (NETLINK_ROUTE, NETLINK_NETFILTER) that receives the multicasts of
  // `groups` (RTMGRP_..., 0 for none).
  static std::expected<NlSocket, NetlinkError> open(int bus, unsigned groups = 0);

  explicit NlSocket(std::unique_ptr<NlTransport> transport);

  int fd() const { return transport_->fd(); }
  // By which the kernel tells whose a change is (nlmsg_pid).
  std::uint32_t port_id() const { return transport_->port_id(); }

  // Sends one request and hands each message of the answer to `on_message`. `request` asks for a
  // dump (NLM_F_DUMP) or for an acknowledgement (NLM_F_ACK), so that the end of the answer shows.
  // EINTR: the kernel's state changed during the dump, what came is not one consistent view.
  std::expected<void, NetlinkError> ask(nlmsghdr& request, const OnMessage& on_message);

  // An error and the sequence number of the message that caused it, 0 where none did.
  struct Refusal {
    int error;
    std::uint32_t sequence;
  };
  // Sends a batch whose last message before NFNL_MSG_BATCH_END asks for an acknowledgement. EPROTO:
  // the answer was lost, so that it is not known whether the kernel took it.
  std::expected<void, Refusal> send_batch(std::span<const std::byte> batch);

  // Hands each message that is waiting to `on_message`, without waiting for more, of at most `most`
  // datagrams. ENOBUFS: some were lost.
  std::expected<void, NetlinkError> receive_waiting(const OnMessage& on_message,
                                                    std::size_t most = SIZE_MAX);

 private:
  // Receives into buffer_; `flags` as recv(2) has them.
  std::expected<std::span<const std::byte>, int> receive(int flags);

  std::unique_ptr<NlTransport> transport_;
  std::vector<std::byte> buffer_;
  std::uint32_t sequence_ = 0;
  bool is_owed_answers_ = false;  // some may still come, to what was asked before
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
