#include "launcher.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace upnpd::gateway;

TEST_SUITE("launcher") {
  TEST_CASE("what a child is told is what it reads") {
    const ChildOrder order{
        "announcer", "announcer br-lan", "nobody", "/run/upnpd/empty", false, true, 42};
    auto words = to_arguments(order);
    words.erase(words.begin());
    const auto read = parse_child_order(words);
    REQUIRE(read);
    CHECK(read->role == "announcer");
    CHECK(read->label == "announcer br-lan");
    CHECK(read->user == "nobody");
    CHECK_FALSE(read->log_to_stderr);
    CHECK(read->debug);
    CHECK(read->target == 42);
  }

  TEST_CASE("an administrator's command line is no child's") {
    CHECK_FALSE(parse_child_order({}));
    CHECK_FALSE(parse_child_order({"--foreground"}));
    CHECK_FALSE(parse_child_order({"--child", "igd"}));
  }

  TEST_CASE("only a sibling is ended, never the parent or a stranger") {
    CHECK(kill_sibling(1) == 1);
    CHECK(kill_sibling(::getppid()) == 1);
    CHECK(kill_sibling(0x7ffffff0) == 1);
  }
}
