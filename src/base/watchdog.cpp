#include "watchdog.h"

#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>

#include "clock.h"

namespace upnpd::base {
namespace {

// What the signal's handler reads and writes, on whichever thread: of 32 bits, so that every
// machine does it at once.
std::atomic<std::uint32_t> patience_ms;
std::atomic<std::uint32_t> turn_began;  // by now_ms()
std::atomic<std::uint32_t> overdue;     // turn_began of the turn whose patience is over
std::atomic<bool> alarm_is_set;
constexpr std::uint32_t kWaiting = 0;
// What is left to a turn whose patience is over: where the machine was held up as a whole, the turn
// has had none of that time.
constexpr std::uint32_t kLastChanceMs = 100;

std::uint32_t now_ms() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(boot_now().time_since_epoch());
  return std::max(static_cast<std::uint32_t>(now.count()), kWaiting + 1);
}

void set_alarm(std::uint32_t milliseconds) {
  itimerval alarm{};
  alarm.it_value.tv_sec = static_cast<time_t>(milliseconds / 1000);
  alarm.it_value.tv_usec = static_cast<suseconds_t>(milliseconds % 1000 * 1000);
  ::setitimer(ITIMER_REAL, &alarm, nullptr);
}

void on_alarm(int) {
  // Before the turn is looked at: one that begins after that sees that it has no alarm.
  alarm_is_set = false;
  const std::uint32_t began = turn_began;
  if (began == kWaiting) return;
  const std::uint32_t took = now_ms() - began;
  if (took >= patience_ms && overdue.exchange(began) == began) {
    ::signal(SIGALRM, SIG_DFL);
    ::raise(SIGALRM);  // which comes when this returns
    return;
  }
  alarm_is_set = true;
  set_alarm(took < patience_ms ? patience_ms - took : kLastChanceMs);
}

void begin_turn() {
  turn_began = now_ms();
  if (!alarm_is_set.exchange(true)) set_alarm(patience_ms);
}

}  // namespace

Watchdog::Watchdog(Loop& loop, std::chrono::milliseconds patience) : loop_(loop) {
  patience_ms = static_cast<std::uint32_t>(patience.count());
  overdue = kWaiting;
  struct sigaction action {};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, nullptr);
  ev_check_init(&check_, &Watchdog::on_work);
  // Before the functions of whatever has happened.
  ev_set_priority(&check_, EV_MAXPRI);
  ev_check_start(loop_.handle(), &check_);
  ev_prepare_init(&prepare_, &Watchdog::on_wait);
  ev_prepare_start(loop_.handle(), &prepare_);
  begin_turn();
}

Watchdog::~Watchdog() {
  ev_check_stop(loop_.handle(), &check_);
  ev_prepare_stop(loop_.handle(), &prepare_);
  turn_began = kWaiting;
}

void Watchdog::on_work(struct ev_loop* loop, ev_check*, int) {
  // Nothing to do: it was the alarm that ended the wait, and is not to be set again for that.
  if (ev_pending_count(loop) != 0) begin_turn();
}

void Watchdog::on_wait(struct ev_loop*, ev_prepare*, int) {
  turn_began = kWaiting;
}

}  // namespace upnpd::base
