// The event loop of a process, over libev. A watcher calls its function while it lives; destroying
// it stops it. Functions run on the loop's one thread.
#pragma once

#include <ev.h>

#include <chrono>
#include <functional>

namespace upnpd::base {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Runs until stop(), called from a watcher's function.
  void run();
  void stop();
  struct ev_loop* handle() {
    return loop_;
  }

 private:
  struct ev_loop* loop_;
};

enum class Interest { Read, Write, ReadWrite };

class FdWatcher {
 public:
  using Function = std::function<void()>;
  // Does not own `fd`, which must outlive the watcher.
  FdWatcher(Loop& loop, int fd, Interest interest, Function function);
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;
  ~FdWatcher();
  void set_interest(Interest interest);

 private:
  static void called(struct ev_loop* loop, ev_io* io, int events);
  Loop& loop_;
  ev_io io_;
  Function function_;
};

// Runs its function once, `delay` after each start().
class Timer {
 public:
  using Function = std::function<void()>;
  Timer(Loop& loop, Function function);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();
  void start(std::chrono::milliseconds delay);  // again, when it runs already
  void stop();
  bool is_running() const;

 private:
  static void called(struct ev_loop* loop, ev_timer* timer, int events);
  Loop& loop_;
  ev_timer timer_;
  Function function_;
};

// Calls its function once a turn of the loop, before the loop waits: for what the turn's functions
// have gathered.
class TurnEndWatcher {
 public:
  using Function = std::function<void()>;
  TurnEndWatcher(Loop& loop, Function function);
  TurnEndWatcher(const TurnEndWatcher&) = delete;
  TurnEndWatcher& operator=(const TurnEndWatcher&) = delete;
  ~TurnEndWatcher();

 private:
  static void called(struct ev_loop* loop, ev_prepare* prepare, int events);
  Loop& loop_;
  ev_prepare prepare_;
  Function function_;
};

class SignalWatcher {
 public:
  using Function = std::function<void()>;
  SignalWatcher(Loop& loop, int signal, Function function);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  ~SignalWatcher();

 private:
  static void called(struct ev_loop* loop, ev_signal* signal, int events);
  Loop& loop_;
  ev_signal signal_;
  Function function_;
};

// Calls its function with the wait status each time `pid`, a child of this process, is stopped or
// continued, and at last when it has ended. The loop reaps children by itself: nobody else may wait
// for them.
class ChildWatcher {
 public:
  using Function = std::function<void(int status)>;
  ChildWatcher(Loop& loop, int pid, Function function);
  ChildWatcher(const ChildWatcher&) = delete;
  ChildWatcher& operator=(const ChildWatcher&) = delete;
  ~ChildWatcher();

 private:
  static void called(struct ev_loop* loop, ev_child* child, int events);
  Loop& loop_;
  ev_child child_;
  Function function_;
};

}  // namespace upnpd::base
