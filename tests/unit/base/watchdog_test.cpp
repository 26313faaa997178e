#include "watchdog.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "clock.h"

using namespace upnpd;
using namespace upnpd::base;
using namespace std::chrono_literals;

namespace {

struct End {
  int status;
  std::chrono::milliseconds after;
  long wake_ups;
};

// How a process ends whose loop does `work` after 50 ms, and again `pause` later each time if there
// is one, and leaves by itself after `life`.
End end_of(const std::function<void()>& work, std::chrono::milliseconds life,
           std::chrono::milliseconds pause = {}) {
  const BootTime start = boot_now();
  const pid_t pid = ::fork();
  if (pid == 0) {
    Loop loop;
    Watchdog watchdog(loop, 200ms);
    Timer end(loop, [] { ::_exit(0); });
    std::optional<Timer> at_work;
    at_work.emplace(loop, [&] {
      work();
      if (pause.count() != 0) at_work->start(pause);
    });
    at_work->start(50ms);
    end.start(life);
    loop.run();
    ::_exit(1);
  }
  End end{};
  rusage usage{};
  ::wait4(pid, &end.status, 0, &usage);
  end.after = boot_now() - start;
  end.wake_ups = usage.ru_nvcsw;
  return end;
}

bool was_barked_at(const End& end) {
  return WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGALRM;
}

}  // namespace

TEST_SUITE("watchdog") {
  TEST_CASE("a turn that never ends ends the process, be it busy or blocked") {
    const End busy = end_of(
        [] {
          for (volatile bool on = true; on;) {
          }
        },
        10s);
    CHECK(was_barked_at(busy));
    CHECK(busy.after >= 250ms);
    CHECK(busy.after < 5s);
    const End blocked = end_of(
        [] {
          for (;;)
            ::pause();
        },
        10s);
    CHECK(was_barked_at(blocked));
    CHECK(blocked.after < 5s);
  }

  TEST_CASE("a process that waits may wait, and is woken once at most for it") {
    const End idle = end_of([] {}, 1s);
    CHECK(WIFEXITED(idle.status));
    CHECK(idle.wake_ups <= 6);
  }

  TEST_CASE("each turn has its own patience") {
    const End busy = end_of([] { ::usleep(100'000); }, 400ms);
    CHECK(WIFEXITED(busy.status));
  }

  TEST_CASE("a turn that was held up together with its alarm may still end") {
    const End held_up = end_of(
        [] {
          sigset_t alarm;
          sigemptyset(&alarm);
          sigaddset(&alarm, SIGALRM);
          sigprocmask(SIG_BLOCK, &alarm, nullptr);
          ::usleep(400'000);
          sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
        },
        600ms);
    CHECK(WIFEXITED(held_up.status));
  }

  TEST_CASE("turns without a pause between them are not one, and the one that hangs is found") {
    const auto turns = [](int before_it_hangs) {
      int turn = 0;
      return end_of(
          [&] {
            ::usleep(20'000);
            while (turn == before_it_hangs)
              ::pause();
            ++turn;
          },
          800ms, 1ms);
    };
    CHECK(WIFEXITED(turns(-1).status));
    const End hung = turns(15);
    CHECK(was_barked_at(hung));
    CHECK(hung.after >= 500ms);
    CHECK(hung.after < 5s);
  }
}
