#include "nl_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <optional>

namespace upnpd::kernel {
namespace {

// The kernel fills a dump's datagrams up to 32 KiB when the reader's buffer takes that much.
constexpr std::size_t kReceiveBuffer = 64 * 1024;
// Room for an error message for each of some thousand changes.
constexpr int kReceiveQueue = 4 * 1024 * 1024;

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

// The FORCE form passes the system's limit but needs CAP_NET_ADMIN outside of every container.
void set_buffer(int fd, int forced, int plain, int bytes) {
  if (::setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0)
    set_option(fd, SOL_SOCKET, plain, bytes);
}

NetlinkError error_of(int error, std::string what) {
  return NetlinkError{error, std::move(what)};
}

// The error that an NLMSG_ERROR or NLMSG_DONE message carries, positive; 0: none, it acknowledges.
int carried_error(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(int)) return 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(&message));
}

// Calls `function` for each whole message of a datagram until it returns false.
template <class Function>
void for_each_message(std::span<const std::byte> datagram, const Function& function) {
  int left = static_cast<int>(datagram.size());
  const auto* message = static_cast<const nlmsghdr*>(static_cast<const void*>(datagram.data()));
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
    if (!function(*message)) return;
}

}  // namespace

NlSocket::NlSocket(Socket socket) : socket_(std::move(socket)), buffer_(kReceiveBuffer) {}

std::expected<NlSocket, NetlinkError> NlSocket::open(int bus, unsigned groups) {
  Socket socket(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!socket) return std::unexpected(error_of(errno, "opening a netlink socket"));
  if (mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0)
    return std::unexpected(error_of(errno, "binding a netlink socket"));
  const int fd = mnl_socket_get_fd(socket.get());
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveQueue);
  // An error message then repeats only the head of what it refuses, not all of it.
  set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return NlSocket(std::move(socket));
}

std::expected<std::span<const std::byte>, int> NlSocket::receive(int flags) {
  for (;;) {
    const ssize_t received = ::recv(fd(), buffer_.data(), buffer_.size(), flags | MSG_TRUNC);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return std::unexpected(errno);
    if (static_cast<std::size_t>(received) > buffer_.size()) return std::unexpected(EMSGSIZE);
    return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(received));
  }
}

std::expected<void, NetlinkError> NlSocket::ask(nlmsghdr& request, const OnMessage& on_message) {
  request.nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), &request, request.nlmsg_len) < 0)
    return std::unexpected(error_of(errno, "asking the kernel"));
  bool interrupted = false;
  for (;;) {
    const auto datagram = receive(0);
    if (!datagram)
      return std::unexpected(error_of(datagram.error(), "reading the kernel's answer"));
    std::optional<int> end;
    for_each_message(*datagram, [&](const nlmsghdr& message) {
      if (message.nlmsg_seq != sequence_) return true;
      interrupted = interrupted || (message.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (message.nlmsg_type == NLMSG_ERROR || message.nlmsg_type == NLMSG_DONE)
        end = carried_error(message);
      else if (message.nlmsg_type >= NLMSG_MIN_TYPE)
        on_message(message);
      return !end;
    });
    // An interrupted dump is read to its end all the same: the kernel begins no other before.
    if (!end) continue;
    if (*end != 0) return std::unexpected(error_of(*end, "the kernel's answer"));
    if (interrupted) return std::unexpected(error_of(EINTR, "the kernel's answer"));
    return {};
  }
}

void NlSocket::make_room_to_send(std::size_t bytes) {
  int room = 0;
  socklen_t size = sizeof room;
  if (::getsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &room, &size) != 0) return;
  const std::size_t wanted = bytes + 4096;  // the kernel keeps some of it for its own account
  if (static_cast<std::size_t>(room) >= wanted) return;
  set_buffer(fd(), SO_SNDBUFFORCE, SO_SNDBUF,
             static_cast<int>(std::min<std::size_t>(wanted, INT32_MAX / 2)));
}

// nf_tables works a batch off inside sendto(2): when that returns, every answer is waiting. Without
// an error there is exactly one, the acknowledgement asked for; so answers can only have been lost
// when there were errors.
std::expected<void, NlSocket::Refusal> NlSocket::send_batch(std::span<const std::byte> batch) {
  (void)receive_waiting([](const nlmsghdr&) {});  // leftovers of an answer that came too late
  make_room_to_send(batch.size());
  if (mnl_socket_sendto(socket_.get(), batch.data(), batch.size()) < 0)
    return std::unexpected(Refusal{errno, 0});
  bool acknowledged = false;
  std::optional<Refusal> refusal;
  const auto received = receive_waiting([&](const nlmsghdr& message) {
    if (message.nlmsg_type != NLMSG_ERROR) return;
    const int error = carried_error(message);
    if (error == 0) acknowledged = true;
    // The first is the cause; those after it may be its consequences.
    if (error != 0 && !refusal) refusal = Refusal{error, message.nlmsg_seq};
  });
  if (refusal) return std::unexpected(*refusal);
  if (!received) return std::unexpected(Refusal{received.error().error, 0});
  if (!acknowledged) return std::unexpected(Refusal{EPROTO, 0});
  return {};
}

std::expected<void, NetlinkError> NlSocket::receive_waiting(const OnMessage& on_message) {
  bool lost = false;
  for (;;) {
    const auto datagram = receive(MSG_DONTWAIT);
    if (!datagram && datagram.error() == ENOBUFS) {
      lost = true;  // said once; what has not been lost can still be read
      continue;
    }
    if (!datagram && datagram.error() == EAGAIN) break;
    if (!datagram) return std::unexpected(error_of(datagram.error(), "reading netlink messages"));
    for_each_message(*datagram, [&](const nlmsghdr& message) {
      on_message(message);
      return true;
    });
  }
  if (lost) return std::unexpected(error_of(ENOBUFS, "reading netlink messages"));
  return {};
}

}  // namespace upnpd::kernel
