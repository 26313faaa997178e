#include "log.h"

#include <doctest/doctest.h>

using upnpd::base::printable;

TEST_SUITE("log") {
  TEST_CASE("what is no text, or more than text, becomes a question mark") {
    CHECK(printable("a \"b\" Zürich €") == "a \"b\" Zürich €");
    CHECK(printable("a\nb\x1b[2J\x7f") == "a?b?[2J?");
    CHECK(printable("\xc2\x9b") == "?");        // CSI, a control of C1
    CHECK(printable("\xe2\x82") == "??");       // cut short
    CHECK(printable("\xc0\x9b") == "??");       // overlong: an escape in two bytes
    CHECK(printable("\xe0\x80\x9b") == "???");  // in three
    CHECK(printable("\xf0\x80\x80\x9b") == "????");
  }

  TEST_CASE("a long text is cut") {
    CHECK(printable(std::string(10'000, 'a')).size() < 300);
  }
}
