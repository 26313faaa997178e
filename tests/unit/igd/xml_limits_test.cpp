#include "xml_limits.h"

#include <doctest/doctest.h>

#include <string>

using upnpd::igd::is_within;
using upnpd::igd::XmlLimits;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

constexpr XmlLimits kLimits{.depth = 64, .elements = 512};

}  // namespace

TEST_SUITE("xml_limits") {
  TEST_CASE("64 levels pass, one more does not, 100000 do no harm") {
    CHECK(is_within(kLimits, repeated("<a>", 64) + repeated("</a>", 64)));
    CHECK_FALSE(is_within(kLimits, repeated("<a>", 65) + repeated("</a>", 65)));
    CHECK_FALSE(is_within(kLimits, repeated("<a>", 100'000)));
    CHECK(is_within(kLimits, repeated("<a/>", 100)));
    CHECK(is_within(kLimits, repeated("<a></a>", 100)));
  }

  TEST_CASE("512 elements pass, one more does not") {
    CHECK(is_within(kLimits, repeated("<a/>", 512)));
    CHECK_FALSE(is_within(kLimits, repeated("<a/>", 513)));
  }

  TEST_CASE("a document type declaration is refused wherever it stands") {
    for (const char* document :
         {"<!DOCTYPE a><a/>", "<?xml version='1.0'?> <!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
          "<a><!DOCTYPE b></a>", "<a/><!doctype a>", "<!ELEMENT a ANY><a/>", "<a><!", "<!"})
      CHECK_FALSE(is_within(kLimits, document));
  }

  TEST_CASE("what only looks like a tag is none") {
    CHECK(is_within({.depth = 1, .elements = 1}, "<a><!-- <b> <!DOCTYPE c> --></a>"));
    CHECK(is_within({.depth = 1, .elements = 1}, "<a><![CDATA[<b><c>]]></a>"));
    CHECK(is_within({.depth = 1, .elements = 1}, "<a b='>' c=\"<x>\">text</a>"));
    CHECK(is_within({.depth = 1, .elements = 1}, "<?xml version='1.0'?><a/>"));
  }

  TEST_CASE("what does not end is refused") {
    for (const char* document :
         {"<", "<a", "<a b='>", "<!--", "<a><!-- -", "<![CDATA[", "<?xml", "<a>]]><b"})
      CHECK_FALSE(is_within(kLimits, document));
    CHECK_FALSE(is_within(kLimits, std::string_view("<a>\0</a>", 8)));
  }
}
