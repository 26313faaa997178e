#include "channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace upnpd::wire {
namespace {

// Room for descriptors in a control message, aligned as the kernel wants it.
union ControlBuffer {
  cmsghdr header;
  // Two fit, so that a second one is seen: on 32 bits one would be all that comes.
  std::array<char, CMSG_SPACE(2 * sizeof(int))> bytes;
};

enum class SendResult { Sent, WouldBlock, Failed };

SendResult send_now(int channel, const std::vector<std::byte>& bytes, int fd) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (fd >= 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (::sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == ENOBUFS ? SendResult::WouldBlock : SendResult::Failed;
  }
  return SendResult::Sent;
}

// Owns every descriptor that came. More than one is nothing we ever send: then there is none.
base::Fd received_fd(msghdr& message) {
  std::vector<base::Fd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds.size() == 1 ? std::move(fds.front()) : base::Fd();
}

ChannelError error_of(int error) {
  return error == EPIPE || error == ECONNRESET ? ChannelError::Closed : ChannelError::System;
}

}  // namespace

std::expected<std::pair<Channel, Channel>, ChannelError> Channel::make_pair() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return std::unexpected(ChannelError::System);
  return std::pair(Channel(base::Fd(fds[0])), Channel(base::Fd(fds[1])));
}

std::expected<void, ChannelError> Channel::send_frame(std::vector<std::byte> bytes, int fd) {
  if (queue_.empty()) {
    switch (send_now(fd_.get(), bytes, fd)) {
      case SendResult::Sent: return {};
      case SendResult::Failed: return std::unexpected(error_of(errno));
      case SendResult::WouldBlock: break;
    }
  }
  return hold_frame(
      {std::move(bytes), fd < 0 ? base::Fd() : base::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0))});
}

std::expected<void, ChannelError> Channel::hold_frame(Frame frame) {
  if (queue_.size() >= kMaxQueued) return std::unexpected(ChannelError::Closed);
  queue_.push_back(std::move(frame));
  return {};
}

std::expected<void, ChannelError> Channel::flush() {
  while (!queue_.empty()) {
    const Frame& frame = queue_.front();
    switch (send_now(fd_.get(), frame.bytes, frame.fd.get())) {
      case SendResult::Sent: queue_.pop_front(); break;
      case SendResult::Failed: return std::unexpected(error_of(errno));
      case SendResult::WouldBlock: return {};
    }
  }
  return {};
}

std::expected<std::optional<Frame>, ChannelError> Channel::receive() {
  std::array<std::byte, kMaxFrame> buffer;
  iovec part{buffer.data(), buffer.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  ssize_t length = 0;
  while ((length = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return std::optional<Frame>();
    return std::unexpected(error_of(errno));
  }
  Frame frame{{}, received_fd(message)};
  if (length == 0) return std::unexpected(ChannelError::Closed);
  if ((message.msg_flags & MSG_TRUNC) != 0) return std::unexpected(ChannelError::Malformed);
  frame.bytes.assign(buffer.data(), buffer.data() + length);
  return std::optional<Frame>(std::move(frame));
}

}  // namespace upnpd::wire
