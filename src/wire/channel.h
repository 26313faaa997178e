// One end of a SOCK_SEQPACKET pair between two processes of upnpd. A packet is a frame, a frame is
// a message; a file descriptor may ride along. Nothing blocks: what the peer does not take yet is
// kept, in order, up to kMaxQueued frames; a peer that far behind counts as gone.
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec.h"
#include "fd.h"

namespace upnpd::wire {

enum class ChannelError {
  Closed,     // the peer has closed its end, or is too far behind
  Malformed,  // a packet longer than kMaxFrame
  System,     // anything else; errno says what
};

struct Frame {
  std::vector<std::byte> bytes;
  base::Fd fd;  // empty when none came
};

class Channel {
 public:
  static constexpr std::size_t kMaxQueued = 4096;
  static constexpr std::size_t kFramesAtOnce = 8;

  // Two connected ends, both non-blocking and close-on-exec.
  static std::expected<std::pair<Channel, Channel>, ChannelError> make_pair();

  explicit Channel(base::Fd fd)
      : fd_(std::move(fd)),
        buffer_(std::make_unique_for_overwrite<std::byte[]>(kFramesAtOnce * kMaxFrame)) {}

  // The descriptor, given away: a child's end.
  base::Fd release() && { return std::move(fd_); }

  // The descriptor to watch: for reading always, for writing while has_queued() after a flush().
  int fd() const { return fd_.get(); }
  bool has_queued() const { return !queue_.empty(); }

  // Sends `message`, one of the messages in upnpd/messages.h, with a duplicate of `fd` unless it
  // is -1.
  template <class Message>
  std::expected<void, ChannelError> send(const Message& message, int fd = -1) {
    return send_frame(encode(message), fd);
  }
  std::expected<void, ChannelError> send_frame(std::vector<std::byte> bytes, int fd = -1);

  // Queues `message` for the next flush(): what is sent together wakes the peer once, and is read
  // together. Closed: the queue is full.
  template <class Message>
  std::expected<void, ChannelError> hold(const Message& message) {
    return hold_frame({encode(message), base::Fd()});
  }

  // Sends what is queued, as far as the peer takes it.
  std::expected<void, ChannelError> flush();

  // Frames that are waiting, in order, at most kFramesAtOnce of them; none when there are none now.
  std::expected<std::vector<Frame>, ChannelError> receive();

 private:
  std::expected<std::size_t, ChannelError> send_queued();
  std::expected<void, ChannelError> hold_frame(Frame frame);

  base::Fd fd_;
  std::deque<Frame> queue_;
  std::unique_ptr<std::byte[]>
      buffer_;  // not on the stack, where every page of it would be touched
};

}  // namespace upnpd::wire
