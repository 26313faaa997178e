#include "boot_timer.h"

#include <doctest/doctest.h>

#include "clock.h"

using namespace upnpd;
using namespace upnpd::base;
using namespace std::chrono_literals;

TEST_SUITE("boot_timer") {
  TEST_CASE("it runs at its moment of CLOCK_BOOTTIME, and once") {
    Loop loop;
    const BootTime moment = boot_now() + 30ms;
    int runs = 0;
    BootTime ran;
    BootTimer timer(loop, [&] {
      ++runs;
      ran = boot_now();
    });
    Timer end(loop, [&] { loop.stop(); });
    timer.start(moment);
    end.start(100ms);
    loop.run();
    CHECK(runs == 1);
    CHECK(ran >= moment);
  }

  TEST_CASE("a moment that is over, or before all others, is now") {
    for (const BootTime moment : {boot_now() - 1h, BootTime(0ms), BootTime(-1h)}) {
      Loop loop;
      bool ran = false;
      BootTimer timer(loop, [&] {
        ran = true;
        loop.stop();
      });
      Timer end(loop, [&] { loop.stop(); });
      timer.start(moment);
      end.start(1s);
      loop.run();
      CHECK(ran);
    }
  }

  TEST_CASE("stopped, or started for later, it does not run") {
    Loop loop;
    bool ran = false;
    BootTimer stopped(loop, [&] { ran = true; });
    BootTimer later(loop, [&] { ran = true; });
    stopped.start(boot_now() + 10ms);
    stopped.stop();
    later.start(boot_now());
    later.start(boot_now() + 1h);
    Timer end(loop, [&] { loop.stop(); });
    end.start(50ms);
    loop.run();
    CHECK_FALSE(ran);
  }
}
