// A table that is ours alone, on a kernel that knows owners.
#include <doctest/doctest.h>

#include <optional>

#include "builders.h"
#include "lab.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// Whether others are kept from the table; false also where the kernel knows no owners.
bool is_closed_to_others() {
  return output_of("nft add chain inet upnpd mine && nft delete chain inet upnpd mine")
             .find("not permitted") != std::string::npos;
}

bool kernel_knows_owners() {
  NftTable nat{TableAccess::OursAlone};
  make_table(nat);
  const bool closed = is_closed_to_others();
  REQUIRE(nat.close());
  return closed;
}

}  // namespace

TEST_SUITE("nft_access") {
  TEST_CASE("a table of ours alone is changed by nobody else, and read by everybody") {
    if (!has_command("nft") || !kernel_knows_owners()) return;
    NftTable nat{TableAccess::OursAlone};
    make_table(nat);
    REQUIRE(nat.commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow));
    output_of("nft flush ruleset; nft delete table inet upnpd; nft flush table inet upnpd");
    CHECK(mappings_of(nat).size() == 1);
    CHECK(output_of("nft list ruleset").find("tcp . 8080") != std::string::npos);
    CHECK(nat.foreign_change() == ForeignChange::None);
    CHECK(nat.close());
    CHECK(output_of("nft list tables").empty());
  }

  TEST_CASE("asking whether the kernel knows owners leaves no trace") {
    if (!has_command("nft")) return;
    NftTable nat{TableAccess::OursAlone};
    make_table(nat);
    CHECK(output_of("nft list tables") == "table inet upnpd\n");
    REQUIRE(nat.close());
  }

  TEST_CASE("a table outlives its owner, and the next one takes it over with its mappings") {
    if (!has_command("nft") || !kernel_knows_owners()) return;
    std::optional<NftTable> first(std::in_place, TableAccess::OursAlone);
    make_table(*first);
    REQUIRE(first->commit(std::vector<NatChange>{AddMapping{a_mapping()}}, kNow));
    NftTable second{TableAccess::OursAlone};
    REQUIRE(second.open() == TableOrigin::TakenOver);
    CHECK(second.rewrite(RewriteOf::Held, std::nullopt, {}, kNow).error().error == EPERM);
    CHECK(second.rewrite(RewriteOf::Nothing, std::nullopt, {}, kNow).error().error == EPERM);
    first.reset();
    CHECK(mappings_of(second).size() == 1);
    REQUIRE(second.rewrite(RewriteOf::Held, std::nullopt, {}, kNow));
    CHECK(mappings_of(second).size() == 1);
    CHECK(is_closed_to_others());
    REQUIRE(second.close());
  }

  TEST_CASE("a table that anybody could change becomes ours alone by a rewrite of nothing") {
    if (!has_command("nft") || !kernel_knows_owners()) return;
    {
      NftTable open_one{TableAccess::Everyones};
      make_table(open_one);
      CHECK_FALSE(is_closed_to_others());
    }
    NftTable nat{TableAccess::OursAlone};
    REQUIRE(nat.open() == TableOrigin::TakenOver);
    CHECK_FALSE(nat.rewrite(RewriteOf::Held, std::nullopt, {}, kNow));
    REQUIRE(nat.rewrite(RewriteOf::Nothing, std::nullopt,
                        std::vector<NatChange>{AddMapping{a_mapping()}}, kNow));
    CHECK(is_closed_to_others());
    CHECK(mappings_of(nat).size() == 1);
    REQUIRE(nat.close());
  }
}
