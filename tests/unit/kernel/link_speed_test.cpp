#include "link_speed.h"

#include <doctest/doctest.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include "lab.h"

using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

// A reply that tells a speed by an attribute of `size` bytes, cut short by `cut` bytes.
std::optional<std::uint64_t> parsed(std::uint32_t megabits, std::size_t size = 4,
                                    std::size_t cut = 0) {
  alignas(nlmsghdr) char buffer[128] = {};
  nlmsghdr* const message = mnl_nlmsg_put_header(buffer);
  mnl_nlmsg_put_extra_header(message, sizeof(genlmsghdr));
  mnl_attr_put_u8(message, ETHTOOL_A_LINKMODES_AUTONEG, 1);
  mnl_attr_put(message, ETHTOOL_A_LINKMODES_SPEED, size, &megabits);
  return parse_link_speed(std::as_bytes(std::span(buffer)).first(message->nlmsg_len - cut));
}

// A tap device: its speed can be set.
struct Tap {
  Tap() { CHECK(output_of("ip tuntap add tap0 mode tap; ip link set tap0 up") == ""); }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;
  ~Tap() { output_of("ip tuntap del tap0 mode tap"); }
};

}  // namespace

TEST_SUITE("link_speed") {
  TEST_CASE("a speed is told in megabits, and may be unknown") {
    CHECK(parsed(1000) == 1'000'000'000);
    CHECK(parsed(100'000) == 100'000'000'000);
    CHECK_FALSE(parsed(0));
    CHECK_FALSE(parsed(UINT32_MAX));
  }

  TEST_CASE("a message without a whole speed has none") {
    CHECK_FALSE(parsed(1000, 2));
    for (std::size_t cut = 1; cut <= 36; ++cut)
      CHECK_FALSE(parsed(1000, 4, cut));
    CHECK_FALSE(parse_link_speed({}));
  }

  TEST_CASE("the kernel's answer is the driver's speed of now") {
    if (!has_command("ethtool")) return;
    const Tap tap;
    auto reader = LinkSpeedReader::open();
    REQUIRE(reader);
    for (const char* megabits : {"100", "2500", "40000"}) {
      CHECK(output_of(std::string("ethtool -s tap0 duplex full speed ") + megabits) == "");
      const auto speed = reader->bits_per_second("tap0");
      REQUIRE(speed);
      CHECK(*speed == std::stoull(megabits) * 1'000'000);
    }
  }

  TEST_CASE("an interface that is not there, or has no link modes, is an error") {
    auto reader = LinkSpeedReader::open();
    REQUIRE(reader);
    CHECK(reader->bits_per_second("nowhere0").error().error == ENODEV);
    CHECK(reader->bits_per_second("").error().error == ENODEV);
    CHECK(reader->bits_per_second("a-name-longer-than-any").error().error == ENODEV);
    CHECK(reader->bits_per_second("lo").error().error == EOPNOTSUPP);
  }
}
