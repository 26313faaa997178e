#include "pending_requests.h"

#include <doctest/doctest.h>

#include <vector>

using namespace upnpd;
using namespace upnpd::igd;
using namespace std::chrono_literals;

namespace {

ServiceRequest a_request() {
  return GetGenericPortMappingEntry{{.id = 0,
                                     .lan = 0,
                                     .caller = *Ipv4Address::parse("192.168.77.10"),
                                     .version = IgdVersion::v1},
                                    0};
}

std::uint64_t id_of(const ServiceRequest& request) {
  return std::visit([](const auto& message) { return message.head.id; }, request);
}

struct Asker {
  std::vector<std::uint64_t> sent;
  std::vector<Reply> answers;
  PendingRequests pending{
      [this](const ServiceRequest& request) { sent.push_back(id_of(request)); }};
  std::uint64_t ask(BootTime now) {
    return pending.ask(
        a_request(), [this](const Reply& reply) { answers.push_back(reply); }, now);
  }
};

}  // namespace

TEST_SUITE("pending_requests") {
  TEST_CASE("each request has an id of its own and gets its own answer, once") {
    Asker asker;
    const auto first = asker.ask(BootTime(0s));
    const auto second = asker.ask(BootTime(0s));
    CHECK(asker.sent == std::vector{first, second});
    CHECK(first != second);
    asker.pending.resolve(Refused{second, UpnpError::NoSuchEntryInArray});
    asker.pending.resolve(Done{second});
    asker.pending.resolve(Done{999});
    REQUIRE(asker.answers.size() == 1);
    CHECK(std::get<Refused>(asker.answers[0]).error == UpnpError::NoSuchEntryInArray);
  }

  TEST_CASE("without a reply in time the answer is ActionFailed") {
    Asker asker;
    asker.ask(BootTime(0s));
    asker.ask(BootTime(1s));
    CHECK(asker.pending.next_deadline() == BootTime(10s));
    asker.pending.expire(BootTime(9'999ms));
    CHECK(asker.answers.empty());
    asker.pending.expire(BootTime(10s));
    REQUIRE(asker.answers.size() == 1);
    CHECK(std::get<Refused>(asker.answers[0]).error == UpnpError::ActionFailed);
    CHECK(asker.pending.next_deadline() == BootTime(11s));
  }

  TEST_CASE("who has been forgotten is not answered") {
    Asker asker;
    const auto id = asker.ask(BootTime(0s));
    asker.pending.forget(id);
    asker.pending.forget(id);
    asker.pending.resolve(Done{id});
    asker.pending.expire(BootTime(100s));
    CHECK(asker.answers.empty());
    CHECK_FALSE(asker.pending.next_deadline());
  }
}
