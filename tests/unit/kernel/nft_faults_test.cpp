// What NftTable makes of a kernel that refuses, interrupts or is not heard: by a script in the
// socket's place.
#include <doctest/doctest.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstring>
#include <deque>
#include <memory>

#include "builders.h"
#include "nft_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// How the script answers a batch: refusals by what they say, the acknowledgement, a queue that
// overran, or a send that fails.
struct Answer {
  std::vector<int> refusals = {};
  bool acknowledged = false;
  bool overrun = false;
  int send_error = 0;
};

struct Script {
  std::deque<Answer> answers;  // one for each batch
  int batches = 0;
};

class ScriptedTransport : public NlTransport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}
  int fd() const override { return -1; }
  std::uint32_t port_id() const override { return 77; }

  std::expected<void, int> send(std::span<const std::byte>) override {
    REQUIRE_FALSE(script_.answers.empty());
    ++script_.batches;
    const Answer answer = script_.answers.front();
    script_.answers.pop_front();
    if (answer.send_error != 0) return std::unexpected(answer.send_error);
    if (answer.overrun) waiting_.emplace_back(std::unexpected(ENOBUFS));
    for (const int error : answer.refusals)
      waiting_.emplace_back(error_message(error));
    if (answer.acknowledged) waiting_.emplace_back(error_message(0));
    return {};
  }

  std::expected<std::size_t, int> receive(std::span<std::byte> buffer, int) override {
    if (waiting_.empty()) return std::unexpected(EAGAIN);
    const auto next = waiting_.front();
    waiting_.pop_front();
    if (!next) return std::unexpected(next.error());
    std::memcpy(buffer.data(), &*next, sizeof *next);
    return sizeof *next;
  }

 private:
  struct Message {
    nlmsghdr head;
    nlmsgerr error;
  };
  static Message error_message(int error) {
    Message message{};
    message.head.nlmsg_len = sizeof message;
    message.head.nlmsg_type = NLMSG_ERROR;
    message.head.nlmsg_seq = 1;
    message.error.error = -error;
    return message;
  }
  Script& script_;
  std::deque<std::expected<Message, int>> waiting_;
};

// What a commit of one mapping comes to, 0 when it succeeds.
int outcome_of(Script& script) {
  NftTable nat(TableAccess::Everyones, NlSocket(std::make_unique<ScriptedTransport>(script)));
  const auto done = nat.commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow);
  return done ? 0 : done.error().error;
}

constexpr Answer kTaken{.acknowledged = true};

}  // namespace

TEST_SUITE("nft_faults") {
  TEST_CASE(
      "a refusal is told as the kernel gave it, also when the acknowledgement comes with it") {
    for (const int error : {ENOSPC, ENOMEM, EBUSY, EEXIST, EPERM}) {
      CAPTURE(error);
      Script script{{{.refusals = {error}, .acknowledged = true}}};
      CHECK(outcome_of(script) == error);
      CHECK(script.batches == 1);
    }
  }

  TEST_CASE("a set that is full is told as no space") {
    Script script{{{.refusals = {ENFILE}}}};
    CHECK(outcome_of(script) == ENOSPC);
  }

  TEST_CASE("the first of several refusals is the cause") {
    Script script{{{.refusals = {ENOSPC, EBUSY}}}};
    CHECK(outcome_of(script) == ENOSPC);
  }

  TEST_CASE("an interrupted transaction is sent again, but not for ever") {
    for (const int error : {EINTR, EAGAIN}) {
      CAPTURE(error);
      Script script{{{.refusals = {error}}, {.refusals = {error}}, kTaken}};
      CHECK(outcome_of(script) == 0);
      CHECK(script.batches == 3);
      Script for_ever{{100, Answer{.refusals = {error}}}};
      CHECK(outcome_of(for_ever) == error);
      CHECK(for_ever.batches < 10);
    }
  }

  TEST_CASE("a batch that cannot be sent was not taken") {
    for (const int error : {ENOBUFS, ENOMEM}) {
      Script script{{{.send_error = error}}};
      CHECK(outcome_of(script) == error);
    }
  }

  TEST_CASE("an answer that is lost leaves it open, also when only the acknowledgement is heard") {
    Script silence{{Answer{}}};
    CHECK(outcome_of(silence) == EPROTO);
    Script overrun{{{.overrun = true}}};
    CHECK(outcome_of(overrun) == EPROTO);
    Script half_heard{{{.acknowledged = true, .overrun = true}}};
    CHECK(outcome_of(half_heard) == EPROTO);
  }

  TEST_CASE("a refusal that is heard is one, whatever else was lost") {
    Script script{{{.refusals = {ENOSPC}, .overrun = true}}};
    CHECK(outcome_of(script) == ENOSPC);
  }

  TEST_CASE("what a batch leaves unheard does not answer the next") {
    Script script{{{.refusals = {EPERM, ENOSPC, ENOSPC}}, kTaken}};
    NftTable nat(TableAccess::Everyones, NlSocket(std::make_unique<ScriptedTransport>(script)));
    const std::vector<NatChange> changes{AddMapping{a_mapping()}};
    CHECK_FALSE(nat.commit(changes, kNow));
    CHECK(nat.commit(changes, kNow));
  }
}
