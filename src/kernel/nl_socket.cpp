#include "nl_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <optional>
#include <utility>

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

class KernelSocket : public NlTransport {
 public:
  static std::expected<std::unique_ptr<KernelSocket>, NetlinkError> open(int bus, unsigned groups);

  int fd() const override { return mnl_socket_get_fd(socket_.get()); }
  std::uint32_t port_id() const override { return mnl_socket_get_portid(socket_.get()); }
  std::expected<void, int> send(std::span<const std::byte> datagram) override;
  std::expected<std::size_t, int> receive(std::span<std::byte> buffer, int flags) override;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
  };
  using Socket = std::unique_ptr<mnl_socket, Close>;
  explicit KernelSocket(Socket socket) : socket_(std::move(socket)) {}
  void make_room_to_send(std::size_t bytes);
  Socket socket_;
  std::size_t room_ = 0;  // known to be there
};

std::expected<std::unique_ptr<KernelSocket>, NetlinkError> KernelSocket::open(int bus,
                                                                              unsigned groups) {
  Socket socket(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!socket) return std::unexpected(error_of(errno, "opening a netlink socket"));
  if (mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0)
    return std::unexpected(error_of(errno, "binding a netlink socket"));
  const int fd = mnl_socket_get_fd(socket.get());
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveQueue);
  // An error message then repeats only the head of what it refuses, not all of it.
  set_option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  const timeval patience{.tv_sec = NlSocket::kPatience.count(), .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return std::unique_ptr<KernelSocket>(new KernelSocket(std::move(socket)));
}

void KernelSocket::make_room_to_send(std::size_t bytes) {
  const std::size_t wanted = bytes + 4096;  // the kernel keeps some of it for its own account
  if (wanted <= room_) return;
  int room = 0;
  socklen_t size = sizeof room;
  if (::getsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &room, &size) != 0) return;
  if (static_cast<std::size_t>(room) < wanted)
    set_buffer(fd(), SO_SNDBUFFORCE, SO_SNDBUF,
               static_cast<int>(std::min<std::size_t>(wanted, INT32_MAX / 2)));
  else
    room_ = static_cast<std::size_t>(room);
}

std::expected<void, int> KernelSocket::send(std::span<const std::byte> datagram) {
  make_room_to_send(datagram.size());
  if (mnl_socket_sendto(socket_.get(), datagram.data(), datagram.size()) < 0)
    return std::unexpected(errno);
  return {};
}

std::expected<std::size_t, int> KernelSocket::receive(std::span<std::byte> buffer, int flags) {
  const ssize_t received = ::recv(fd(), buffer.data(), buffer.size(), flags | MSG_TRUNC);
  if (received < 0) return std::unexpected(errno);
  return static_cast<std::size_t>(received);
}

}  // namespace

NlSocket::NlSocket(std::unique_ptr<NlTransport> transport)
    : transport_(std::move(transport)), buffer_(kReceiveBuffer) {}

std::expected<NlSocket, NetlinkError> NlSocket::open(int bus, unsigned groups) {
  auto socket = KernelSocket::open(bus, groups);
  if (!socket) return std::unexpected(socket.error());
  return NlSocket(*std::move(socket));
}

std::expected<std::span<const std::byte>, int> NlSocket::receive(int flags) {
  for (;;) {
    const auto received = transport_->receive(buffer_, flags);
    if (!received && received.error() == EINTR) continue;
    if (!received) return std::unexpected(received.error());
    if (*received > buffer_.size()) return std::unexpected(EMSGSIZE);
    return std::span<const std::byte>(buffer_).first(*received);
  }
}

std::expected<void, NetlinkError> NlSocket::ask(nlmsghdr& request, const OnMessage& on_message) {
  request.nlmsg_seq = ++sequence_;
  const auto* const bytes = static_cast<const std::byte*>(static_cast<const void*>(&request));
  if (const auto sent = transport_->send({bytes, request.nlmsg_len}); !sent)
    return std::unexpected(error_of(sent.error(), "asking the kernel"));
  bool interrupted = false;
  for (;;) {
    const auto datagram = receive(0);
    if (!datagram) {
      is_owed_answers_ = true;
      return std::unexpected(error_of(datagram.error(), "reading the kernel's answer"));
    }
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

// nf_tables works a batch off inside sendto(2): when that returns, every answer is waiting. A batch
// that is refused is answered by its errors and by the acknowledgement asked for: so that where
// answers were lost, the acknowledgement alone says nothing.
std::expected<void, NlSocket::Refusal> NlSocket::send_batch(std::span<const std::byte> batch) {
  // The end of an answer that came too late is no part of this one.
  if (std::exchange(is_owed_answers_, true)) (void)receive_waiting([](const nlmsghdr&) {});
  if (const auto sent = transport_->send(batch); !sent)
    return std::unexpected(Refusal{sent.error(), 0});
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
  if (!received || !acknowledged) return std::unexpected(Refusal{EPROTO, 0});
  is_owed_answers_ = false;
  return {};
}

std::expected<void, NetlinkError> NlSocket::receive_waiting(const OnMessage& on_message,
                                                            std::size_t most) {
  bool lost = false;
  for (; most > 0; --most) {
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
