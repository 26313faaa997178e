#include "host_presence.h"

#include <doctest/doctest.h>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::core;
using namespace std::chrono_literals;

TEST_SUITE("host_presence") {
  TEST_CASE("a host that answers now and then is never absent") {
    HostPresence presence(24h);
    presence.set_hosts({kPc}, at_second(0));
    CHECK(presence.next_deadline() == at_second(6 * 3600));
    for (int hour = 6; hour < 240; hour += 6) {
      const BootTime now = at_second(hour * 3600);
      CHECK(presence.take_due(now) == std::vector{kPc});
      if (hour % 24 != 0)
        CHECK_FALSE(presence.missed(kPc, now + 3s));
      else
        presence.seen(kPc, now);
    }
  }

  TEST_CASE("one that answers no question for the timeout is absent, and not before") {
    HostPresence presence(24h);
    presence.set_hosts({kPc}, at_second(0));
    int questions = 0;
    bool absent = false;
    BootTime now{};
    while (!absent && questions < 10) {
      now = *presence.next_deadline();
      CHECK(presence.take_due(now) == std::vector{kPc});
      CHECK(presence.take_due(now).empty());
      ++questions;
      absent = presence.missed(kPc, now + 3s);
    }
    CHECK(questions == HostPresence::kQuestions);
    CHECK(now == at_second(24 * 3600));
  }

  TEST_CASE("a request is as good as an answer, an unknown host is nobody's business") {
    HostPresence presence(4s);
    presence.set_hosts({kPc}, at_second(0));
    presence.seen(kPc, at_second(3));
    CHECK_FALSE(presence.missed(kPc, at_second(6)));
    CHECK(presence.missed(kPc, at_second(7)));
    presence.seen(kConsole, at_second(1));
    CHECK_FALSE(presence.missed(kConsole, at_second(100)));
  }

  TEST_CASE("hosts come and go, and a timeout of 0 asks nobody") {
    HostPresence presence(40s);
    presence.set_hosts({kPc}, at_second(0));
    presence.set_hosts({kPc, kConsole}, at_second(5));
    CHECK(presence.take_due(at_second(10)) == std::vector{kPc});
    presence.set_hosts({kConsole}, at_second(11));
    CHECK(presence.next_deadline() == at_second(15));
    presence.set_hosts({}, at_second(12));
    CHECK_FALSE(presence.next_deadline());

    presence.set_hosts({kPc}, at_second(20));
    presence.set_timeout(8s);
    CHECK(presence.next_deadline() == at_second(22));
    presence.set_timeout(0s);
    CHECK_FALSE(presence.next_deadline());

    HostPresence never(0s);
    never.set_hosts({kPc}, at_second(0));
    CHECK_FALSE(never.next_deadline());
    CHECK_FALSE(never.missed(kPc, at_second(1000000)));
  }
}
