// What wakes the watch, on a real kernel.
#include "table_watch.h"

#include <doctest/doctest.h>
#include <poll.h>

#include "builders.h"
#include "lab.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

bool is_awake(const Nat& nat) {
  pollfd watched{nat.watch_fd().value(), POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

// What an nft command tells the watch of an open table.
ForeignChange change_by(Nat& nat, const std::string& commands) {
  const std::string output = output_of("nft -f - <<'X'\n" + commands + "\nX");
  INFO(output);
  CHECK(output.empty());
  return nat.foreign_change();
}

}  // namespace

TEST_SUITE("table_watch") {
  TEST_CASE("a thousand changes of our own wake nobody") {
    FreshTable table;
    REQUIRE_FALSE(is_awake(table.nat));
    for (std::uint32_t i = 0; i < 1000; ++i)
      REQUIRE(
          table.nat.commit(std::vector<NatChange>{AddMapping{a_mapping().port(2000 + i)}}, kNow));
    REQUIRE(table.nat.set_surroundings({.wan_interfaces = {"wan"}}));
    REQUIRE(table.nat.rewrite(RewriteOf::Nothing, std::nullopt, {}, kNow));
    CHECK_FALSE(is_awake(table.nat));
    CHECK(table.nat.foreign_change() == ForeignChange::None);
  }

  TEST_CASE("single changes of other tables wake nobody") {
    if (!has_command("nft")) return;
    FreshTable table;
    for (const char* const command :
         {"add table inet other", "add table inet upnpd2", "add table inet upnp",
          "add set inet other s { type ipv4_addr; }", "add element inet other s { 10.0.0.1 }",
          "flush set inet other s", "delete set inet other s", "delete table inet other",
          "delete table inet upnpd2", "delete table inet upnp"}) {
      CAPTURE(command);
      REQUIRE(output_of("nft '" + std::string(command) + "'").empty());
      CHECK_FALSE(is_awake(table.nat));
    }
  }

  TEST_CASE(
      "a transaction on other tables, and a table of our name in another family, are not ours") {
    if (!has_command("nft")) return;
    FreshTable table;
    CHECK(change_by(table.nat,
                    "table ip upnpd { set upnpd { type ipv4_addr; }\n}\n"
                    "table inet other { chain upnpd { counter\n}\n}") == ForeignChange::None);
    CHECK(change_by(table.nat, "delete table ip upnpd\ndelete table inet other") ==
          ForeignChange::None);
  }

  TEST_CASE(
      "whatever is changed in our table is told, also in a transaction that begins elsewhere") {
    if (!has_command("nft")) return;
    for (const char* const commands :
         {"add element inet upnpd mappings { tcp . 22 : 192.168.77.5 . 22 }",
          "add rule inet upnpd guard drop", "flush chain inet upnpd guard",
          "add chain inet upnpd mine", "add set inet upnpd mine { type ipv4_addr; }",
          "add counter inet upnpd mine", "add table inet upnpd { flags dormant; }",
          "delete table inet upnpd", "flush ruleset",
          "table inet other { set a { type ipv4_addr; }\nset b { type ipv4_addr; }\n}\n"
          "flush set inet upnpd lan_networks\nadd rule inet upnpd guard drop"}) {
      CAPTURE(commands);
      FreshTable table;
      CHECK(change_by(table.nat, commands) == ForeignChange::Ours);
      CHECK(table.nat.foreign_change() == ForeignChange::None);
      output_of("nft delete table inet other");
    }
  }

  TEST_CASE("more than the watch can hold is told as lost, and is over then") {
    if (!has_command("nft")) return;
    FreshTable table;
    // Each command is two events in one datagram, which the filter cannot drop.
    output_of(
        "for i in $(seq 2000); do echo 'add table inet other; add chain inet other c; "
        "delete table inet other'; done | nft -i");
    std::vector<ForeignChange> told;
    while (is_awake(table.nat))
      told.push_back(table.nat.foreign_change());
    REQUIRE_FALSE(told.empty());
    CHECK(told.front() == ForeignChange::Lost);
    CHECK(told.size() < 20);
    CHECK(table.nat.foreign_change() == ForeignChange::None);
    CHECK(change_by(table.nat, "flush table inet upnpd") == ForeignChange::Ours);
  }
}
