#include "options.h"

#include <doctest/doctest.h>

using namespace upnpd::gateway;

TEST_SUITE("options") {
  TEST_CASE("interfaces and a file, in both spellings") {
    const auto options = parse_options({"--wan", "eth0", "--wan=eth1", "--lan=br-lan", "--lan",
                                        "br-guest", "--config", "/x", "--foreground"});
    REQUIRE(options);
    CHECK(options->wans == std::vector<std::string>{"eth0", "eth1"});
    CHECK(options->lans == std::vector<std::string>{"br-lan", "br-guest"});
    CHECK(options->config_file == "/x");
    CHECK(options->foreground);
    CHECK(options->action == Options::Action::Serve);
  }

  TEST_CASE("what to do instead of serving") {
    CHECK(parse_options({"--check"})->action == Options::Action::Check);
    CHECK(parse_options({"--version"})->action == Options::Action::Version);
    CHECK(parse_options({"-h"})->action == Options::Action::Help);
    CHECK(parse_options({"-f", "/x"})->config_file == "/x");
  }

  TEST_CASE("--debug logs to standard error, but for a supervisor's --syslog") {
    CHECK(parse_options({"--debug"})->foreground);
    const auto supervised = parse_options({"--debug", "--syslog"});
    REQUIRE(supervised);
    CHECK(supervised->debug);
    CHECK(supervised->stay);
    CHECK_FALSE(supervised->foreground);
    CHECK_FALSE(parse_options({"--syslog", "--foreground"}));
  }

  TEST_CASE("a wrong word is named") {
    CHECK(parse_options({"--lan"}).error().find("--lan needs a value") == 0);
    CHECK(parse_options({"--wan="}).error().find("--wan needs a value") == 0);
    CHECK(parse_options({"eth0"}).error().find("unknown option 'eth0'") == 0);
  }
}
