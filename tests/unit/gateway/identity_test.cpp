#include "identity.h"

#include <doctest/doctest.h>

#include "temporary.h"

using upnpd::gateway::load_identity;

TEST_SUITE("identity") {
  TEST_CASE("an identity is made once and found again") {
    const TemporaryDirectory directory;
    const auto first = load_identity(directory / "identity");
    CHECK(first.problem.empty());
    CHECK(first.identity.uuid.size() == 36);
    CHECK(first.identity.uuid[14] == '4');
    CHECK(first.identity.path_token.size() == 32);
    const auto again = load_identity(directory / "identity");
    CHECK(again.identity.uuid == first.identity.uuid);
    CHECK(again.identity.path_token == first.identity.path_token);
    using std::filesystem::perms;
    CHECK((std::filesystem::status(directory / "identity").permissions() &
           (perms::group_all | perms::others_all)) == perms::none);
  }

  TEST_CASE("two devices have two identities") {
    const TemporaryDirectory directory;
    CHECK(load_identity(directory / "a").identity.uuid !=
          load_identity(directory / "b").identity.uuid);
  }

  TEST_CASE("an identity that another may have written is not taken") {
    const TemporaryDirectory directory;
    const auto planted = load_identity(directory / "planted");
    std::filesystem::create_symlink(directory / "planted", directory / "identity");
    CHECK(load_identity(directory / "identity").identity.path_token != planted.identity.path_token);
  }

  TEST_CASE("a spoilt file is made anew, one that cannot be written is a problem and no end") {
    const TemporaryDirectory directory;
    for (const char* text : {"", "{", "{\"uuid\":\"x\",\"path_token\":\"../../etc\"}", "[1]"}) {
      write(directory / "identity", text);
      CHECK(load_identity(directory / "identity").identity.path_token.size() == 32);
    }
    const auto nowhere = load_identity("/nonexistent/identity");
    CHECK(nowhere.identity.uuid.size() == 36);
    CHECK_FALSE(nowhere.problem.empty());
  }
}
