#include "channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

using namespace upnpd;
using wire::Channel;
using wire::ChannelError;

TEST_SUITE("channel") {
  TEST_CASE("frames arrive whole and in order, and then there is none") {
    auto [a, b] = *Channel::make_pair();
    REQUIRE(a.send(Done{1}));
    REQUIRE(a.send(Refused{2, UpnpError::ActionFailed}));
    const auto both = b.receive();
    REQUIRE(both);
    REQUIRE(both->size() == 2);
    CHECK((*both)[0].bytes == wire::encode(Done{1}));
    CHECK((*both)[1].bytes == wire::encode(Refused{2, UpnpError::ActionFailed}));
    const auto none = b.receive();
    REQUIRE(none);
    CHECK(none->empty());
  }

  TEST_CASE("what is held goes at the next flush, in its place among what is sent") {
    auto [a, b] = *Channel::make_pair();
    REQUIRE(a.hold(Done{1}));
    CHECK(a.has_queued());
    CHECK(b.receive()->empty());
    REQUIRE(a.send(Done{2}));
    REQUIRE(a.flush());
    CHECK_FALSE(a.has_queued());
    const auto both = *b.receive();
    REQUIRE(both.size() == 2);
    CHECK(both[0].bytes == wire::encode(Done{1}));
    CHECK(both[1].bytes == wire::encode(Done{2}));
  }

  TEST_CASE("a peer that is too far behind is not waited for by what is held either") {
    auto [a, b] = *Channel::make_pair();
    for (std::size_t i = 0; i < Channel::kMaxQueued; ++i)
      REQUIRE(a.hold(Done{i}));
    const auto one_more = a.hold(Done{0});
    REQUIRE_FALSE(one_more);
    CHECK(one_more.error() == ChannelError::Closed);
  }

  TEST_CASE("a descriptor rides along and is the receiver's own") {
    auto [a, b] = *Channel::make_pair();
    std::array<int, 2> pipe_ends{};
    REQUIRE(::pipe(pipe_ends.data()) == 0);
    REQUIRE(a.send(Done{1}, pipe_ends[1]));
    ::close(pipe_ends[1]);
    const auto frames = *b.receive();
    REQUIRE(frames.size() == 1);
    const int fd = frames[0].fd.get();
    CHECK(::fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(::write(fd, "x", 1) == 1);
    char byte = 0;
    CHECK(::read(pipe_ends[0], &byte, 1) == 1);
    ::close(pipe_ends[0]);
  }

  TEST_CASE("descriptors nobody asked for are closed, however many come") {
    auto [a, b] = *Channel::make_pair();
    const auto open_fds = [] {
      return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    const auto before = open_fds();
    for (int i = 0; i < 20; ++i) {
      const std::array<int, 2> two{0, 1};
      union {
        cmsghdr header;
        std::array<char, CMSG_SPACE(sizeof two)> bytes;
      } control{};
      char byte = 0;
      iovec part{&byte, 1};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = &control;
      message.msg_controllen = sizeof control.bytes;
      control.header.cmsg_level = SOL_SOCKET;
      control.header.cmsg_type = SCM_RIGHTS;
      control.header.cmsg_len = CMSG_LEN(sizeof two);
      std::memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), two.data(), sizeof two);
      REQUIRE(::sendmsg(a.fd(), &message, 0) == 1);
      const auto frames = *b.receive();
      REQUIRE(frames.size() == 1);
      CHECK_FALSE(frames[0].fd);
    }
    CHECK(open_fds() == before);
  }

  TEST_CASE("what a slow peer does not take is kept, in order") {
    auto [a, b] = *Channel::make_pair();
    std::uint64_t sent = 0;
    while (!a.has_queued())
      REQUIRE(a.send(Done{sent++}));
    for (int i = 0; i < 100; ++i)
      REQUIRE(a.send(Done{sent++}));
    for (std::uint64_t i = 0; i < sent;) {
      REQUIRE(a.flush());
      const auto frames = *b.receive();
      REQUIRE(!frames.empty());
      for (const wire::Frame& frame : frames)
        CHECK(frame.bytes == wire::encode(Done{i++}));
    }
    CHECK_FALSE(a.has_queued());
  }

  TEST_CASE("a peer that never reads counts as gone, after a bound") {
    auto [a, b] = *Channel::make_pair();
    std::expected<void, ChannelError> result;
    for (std::size_t i = 0; result && i < 2 * Channel::kMaxQueued; ++i)
      result = a.send(Done{i});
    REQUIRE_FALSE(result);
    CHECK(result.error() == ChannelError::Closed);
  }

  TEST_CASE("a closed peer is told from an empty channel, reading and writing") {
    auto pair = *Channel::make_pair();
    { const Channel gone = std::move(pair.second); }
    CHECK(pair.first.receive().error() == ChannelError::Closed);
    CHECK(pair.first.send(Done{1}).error() == ChannelError::Closed);
  }

  TEST_CASE("what a peer has said before it closed is read first") {
    auto pair = *Channel::make_pair();
    {
      Channel gone = std::move(pair.second);
      REQUIRE(gone.send(Done{1}));
    }
    CHECK(pair.first.receive()->size() == 1);
    CHECK(pair.first.receive().error() == ChannelError::Closed);
  }

  TEST_CASE("more than are read at once come with the next reading") {
    auto [a, b] = *Channel::make_pair();
    for (std::size_t i = 0; i < Channel::kFramesAtOnce + 3; ++i)
      REQUIRE(a.send(Done{i}));
    CHECK(b.receive()->size() == Channel::kFramesAtOnce);
    CHECK(b.receive()->size() == 3);
  }

  TEST_CASE("a packet over the limit is refused, not cut") {
    auto [a, b] = *Channel::make_pair();
    const std::vector<std::byte> huge(wire::kMaxFrame + 1);
    REQUIRE(::send(a.fd(), huge.data(), huge.size(), 0) == ssize_t(huge.size()));
    CHECK(b.receive().error() == ChannelError::Malformed);
  }
}
