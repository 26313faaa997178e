#include "pinhole_elements.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "builders.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

TEST_SUITE("pinhole_elements") {
  TEST_CASE("a pinhole of each kind has a set of its own and comes back as it was put in") {
    std::set<std::string> sets;
    for (const Pinhole& pinhole : pinholes_of_every_kind()) {
      const char* const set = set_of(pinhole.key);
      sets.insert(set);
      const auto back = pinhole_of(set, element_of(pinhole, kNow), kNow);
      REQUIRE(back);
      CHECK(back->key == pinhole.key);
      CHECK(back->expires == pinhole.expires);
      CHECK(back->id == pinhole.id);
      CHECK(back->lan == pinhole.lan);
      CHECK(back->owner == pinhole.owner);
      CHECK(back->host == pinhole.host);
    }
    CHECK(sets.size() == kPinholeSets.size());
  }

  TEST_CASE("an element that another has put in, or that is cut short, is no pinhole") {
    Element element = element_of(a_pinhole(), kNow);
    CHECK_FALSE(pinhole_of(kHostPinholes, element, kNow));
    for (std::size_t size = 0; size < element.userdata.size(); ++size) {
      Element cut = element;
      cut.userdata.resize(size);
      CHECK_FALSE(pinhole_of(kPinholes, cut, kNow));
    }
    for (std::size_t size = 0; size < 22; ++size) {
      Element cut = element;
      cut.key = Fields::from_bytes(element.key.bytes().first(size)).value();
      CHECK_FALSE(pinhole_of(kPinholes, cut, kNow));
    }
    element.lifetime.reset();
    CHECK_FALSE(pinhole_of(kPinholes, element, kNow));
  }

  TEST_CASE("one that is over lives a millisecond more") {
    Pinhole pinhole = a_pinhole();
    pinhole.expires = kNow - 1s;
    CHECK(element_of(pinhole, kNow).lifetime == 1ms);
  }
}
