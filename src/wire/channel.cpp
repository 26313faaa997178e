#include "channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace upnpd::wire {
namespace {

// Room for descriptors in a control message, aligned as the kernel wants it. Two fit, so that a
// second one is seen: on 32 bits one would be all that comes.
struct alignas(cmsghdr) ControlBuffer {
  std::array<char, CMSG_SPACE(2 * sizeof(int))> bytes;
};

// A message header and what it points to.
struct Envelope {
  iovec part;
  ControlBuffer control;

  msghdr& point(msghdr& message, std::span<std::byte> bytes) {
    part = {bytes.data(), bytes.size()};
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return message;
  }
};

void attach(msghdr& message, ControlBuffer& control, int fd) {
  control = {};
  message.msg_control = &control;
  message.msg_controllen = CMSG_SPACE(sizeof(int));
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
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

template <class Call>
int until_uninterrupted(const Call& call) {
  int result = 0;
  while ((result = call()) < 0 && errno == EINTR) {
  }
  return result;
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
  const bool was_behind = has_queued();
  if (auto held = hold_frame(
          {std::move(bytes), fd < 0 ? base::Fd() : base::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0))});
      !held || was_behind)
    return held;
  return flush();
}

std::expected<void, ChannelError> Channel::hold_frame(Frame frame) {
  if (queue_.size() >= kMaxQueued) return std::unexpected(ChannelError::Closed);
  queue_.push_back(std::move(frame));
  return {};
}

std::expected<void, ChannelError> Channel::flush() {
  while (!queue_.empty()) {
    const auto sent = send_queued();
    if (!sent) return std::unexpected(sent.error());
    if (*sent == 0) break;
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(*sent));
  }
  return {};
}

// How many of the first frames the peer has taken; 0: none for now.
std::expected<std::size_t, ChannelError> Channel::send_queued() {
  std::array<mmsghdr, kFramesAtOnce> messages;
  std::array<Envelope, kFramesAtOnce> envelopes;
  const std::size_t count = std::min(queue_.size(), kFramesAtOnce);
  for (std::size_t i = 0; i < count; ++i) {
    msghdr& message = envelopes[i].point(messages[i].msg_hdr, queue_[i].bytes);
    if (queue_[i].fd) attach(message, envelopes[i].control, queue_[i].fd.get());
  }
  const int sent = until_uninterrupted([&] {
    return ::sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(count),
                      MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == ENOBUFS) return 0;
  return std::unexpected(error_of(errno));
}

std::expected<std::vector<Frame>, ChannelError> Channel::receive() {
  std::array<mmsghdr, kFramesAtOnce> messages;
  std::array<Envelope, kFramesAtOnce> envelopes;
  for (std::size_t i = 0; i < kFramesAtOnce; ++i) {
    msghdr& message =
        envelopes[i].point(messages[i].msg_hdr, {buffer_.get() + i * kMaxFrame, kMaxFrame});
    message.msg_control = &envelopes[i].control;
    message.msg_controllen = sizeof envelopes[i].control.bytes;
  }
  const int received = until_uninterrupted([&] {
    return ::recvmmsg(fd_.get(), messages.data(), kFramesAtOnce, MSG_DONTWAIT | MSG_CMSG_CLOEXEC,
                      nullptr);
  });
  std::vector<Frame> frames;
  if (received < 0 && errno == EAGAIN) return frames;
  if (received < 0) return std::unexpected(error_of(errno));
  std::expected<void, ChannelError> all{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
    // Every descriptor that came is owned, also behind what ends the channel.
    Frame frame{{}, received_fd(messages[i].msg_hdr)};
    const std::size_t length = messages[i].msg_len;
    // A closed peer is said again by the next call.
    if (length == 0 && frames.empty()) all = std::unexpected(ChannelError::Closed);
    if (length == 0) continue;
    if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
      all = std::unexpected(ChannelError::Malformed);
    const std::byte* const bytes = buffer_.get() + i * kMaxFrame;
    frame.bytes.assign(bytes, bytes + length);
    frames.push_back(std::move(frame));
  }
  if (!all) return std::unexpected(all.error());
  return frames;
}

}  // namespace upnpd::wire
