#include "loop.h"

#include <sys/wait.h>

#include <cstdlib>
#include <utility>

namespace upnpd::base {
namespace {

int ev_events(Interest interest) {
  switch (interest) {
    case Interest::Read: return EV_READ;
    case Interest::Write: return EV_WRITE;
    case Interest::ReadWrite: return EV_READ | EV_WRITE;
  }
  return EV_READ;
}

double seconds(std::chrono::milliseconds delay) {
  return std::chrono::duration<double>(delay).count();
}

}  // namespace

Loop::Loop() : loop_(ev_default_loop(EVFLAG_AUTO)) {
  if (loop_ == nullptr) std::abort();
}
Loop::~Loop() {
  ev_loop_destroy(loop_);
}
void Loop::run() {
  ev_run(loop_, 0);
}
void Loop::stop() {
  ev_break(loop_, EVBREAK_ALL);
}

FdWatcher::FdWatcher(Loop& loop, int fd, Interest interest, Function function)
    : loop_(loop), function_(std::move(function)) {
  ev_io_init(&io_, &FdWatcher::called, fd, ev_events(interest));
  io_.data = this;
  ev_io_start(loop_.handle(), &io_);
}
FdWatcher::~FdWatcher() {
  ev_io_stop(loop_.handle(), &io_);
}
void FdWatcher::set_interest(Interest interest) {
  // libev asks the kernel at each start, also for what it already watches.
  if ((io_.events & (EV_READ | EV_WRITE)) == ev_events(interest)) return;
  ev_io_stop(loop_.handle(), &io_);
  ev_io_set(&io_, io_.fd, ev_events(interest));
  ev_io_start(loop_.handle(), &io_);
}
void FdWatcher::called(struct ev_loop*, ev_io* io, int) {
  // The function may destroy its watcher, and with it itself: run a copy.
  const Function function = static_cast<FdWatcher*>(io->data)->function_;
  function();
}

Timer::Timer(Loop& loop, Function function) : loop_(loop), function_(std::move(function)) {
  ev_timer_init(&timer_, &Timer::called, 0, 0);
  timer_.data = this;
}
Timer::~Timer() {
  stop();
}
void Timer::start(std::chrono::milliseconds delay) {
  stop();
  // libev counts from when it last looked at the clock; a long callback would shorten the delay.
  ev_now_update(loop_.handle());
  ev_timer_set(&timer_, seconds(delay), 0);
  ev_timer_start(loop_.handle(), &timer_);
}
void Timer::stop() {
  ev_timer_stop(loop_.handle(), &timer_);
}
bool Timer::is_running() const {
  return ev_is_active(&timer_);
}
void Timer::called(struct ev_loop*, ev_timer* timer, int) {
  const Function function = static_cast<Timer*>(timer->data)->function_;
  function();
}

TurnEndWatcher::TurnEndWatcher(Loop& loop, Function function)
    : loop_(loop), function_(std::move(function)) {
  ev_prepare_init(&prepare_, &TurnEndWatcher::called);
  prepare_.data = this;
  ev_prepare_start(loop_.handle(), &prepare_);
}
TurnEndWatcher::~TurnEndWatcher() {
  ev_prepare_stop(loop_.handle(), &prepare_);
}
void TurnEndWatcher::called(struct ev_loop*, ev_prepare* prepare, int) {
  const Function function = static_cast<TurnEndWatcher*>(prepare->data)->function_;
  function();
}

SignalWatcher::SignalWatcher(Loop& loop, int signal, Function function)
    : loop_(loop), function_(std::move(function)) {
  ev_signal_init(&signal_, &SignalWatcher::called, signal);
  signal_.data = this;
  ev_signal_start(loop_.handle(), &signal_);
}
SignalWatcher::~SignalWatcher() {
  ev_signal_stop(loop_.handle(), &signal_);
}
void SignalWatcher::called(struct ev_loop*, ev_signal* signal, int) {
  const Function function = static_cast<SignalWatcher*>(signal->data)->function_;
  function();
}

ChildWatcher::ChildWatcher(Loop& loop, int pid, Function function)
    : loop_(loop), function_(std::move(function)) {
  ev_child_init(&child_, &ChildWatcher::called, pid, 1);
  child_.data = this;
  ev_child_start(loop_.handle(), &child_);
}
ChildWatcher::~ChildWatcher() {
  ev_child_stop(loop_.handle(), &child_);
}
void ChildWatcher::called(struct ev_loop* loop, ev_child* child, int) {
  const int status = child->rstatus;
  if (WIFEXITED(status) || WIFSIGNALED(status)) ev_child_stop(loop, child);
  const Function function = static_cast<ChildWatcher*>(child->data)->function_;
  function(status);
}

}  // namespace upnpd::base
