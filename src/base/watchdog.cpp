#include "watchdog.h"

#include <signal.h>
#include <sys/time.h>

namespace upnpd::base {
namespace {

void set_alarm(std::chrono::milliseconds delay) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
  itimerval alarm{};
  alarm.it_value.tv_sec = static_cast<time_t>(seconds.count());
  alarm.it_value.tv_usec =
      static_cast<suseconds_t>(std::chrono::microseconds(delay - seconds).count());
  ::setitimer(ITIMER_REAL, &alarm, nullptr);
}

}  // namespace

Watchdog::Watchdog(Loop& loop, std::chrono::milliseconds patience)
    : loop_(loop), patience_(patience) {
  ::signal(SIGALRM, SIG_DFL);
  ev_check_init(&check_, &Watchdog::on_work);
  // Before the functions of whatever has happened.
  ev_set_priority(&check_, EV_MAXPRI);
  check_.data = this;
  ev_check_start(loop_.handle(), &check_);
  ev_prepare_init(&prepare_, &Watchdog::on_wait);
  ev_prepare_start(loop_.handle(), &prepare_);
  set_alarm(patience_);
}

Watchdog::~Watchdog() {
  ev_check_stop(loop_.handle(), &check_);
  ev_prepare_stop(loop_.handle(), &prepare_);
  set_alarm(std::chrono::milliseconds(0));
}

void Watchdog::on_work(struct ev_loop*, ev_check* check, int) {
  set_alarm(static_cast<const Watchdog*>(check->data)->patience_);
}

void Watchdog::on_wait(struct ev_loop*, ev_prepare*, int) {
  set_alarm(std::chrono::milliseconds(0));
}

}  // namespace upnpd::base
