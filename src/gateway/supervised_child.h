// A child process and its channel: started, listened to, started again when it falls. Mappings do
// not depend on it. After a fall it is back in 100 ms; one that keeps falling waits up to 10 s.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "channel.h"
#include "launcher.h"
#include "loop.h"

namespace upnpd::gateway {

class SupervisedChild {
 public:
  struct Hooks {
    // The process runs; nothing has been sent to it yet.
    std::function<void()> started;
    // Frames that came together, in order. What they say is not yet judged.
    std::function<void(std::vector<wire::Frame>)> received;
    // The process has ended as it was expected to.
    std::function<void()> ended;
  };

  SupervisedChild(base::Loop& loop, const Launcher& launcher, std::string role, std::string label,
                  Hooks hooks);

  void start();
  // Expects the process to end by itself now; it is not started again until start() is called,
  // which may be before that end.
  void expect_end();
  // Ends it at once: it is hung, or what it says makes no sense. It is started again while wanted.
  void kill(const std::string& why);
  // It must answer with a Pong soon, or is killed.
  void ask_for_life();
  void on_pong();

  template <class Message>
  void send(const Message& message, int fd = -1) {
    if (!channel_) return;
    if (!channel_->send(message, fd)) return kill("its channel does not take messages");
    watch_queue();
  }
  // Keeps `message` for flush(): what is sent together wakes the child once.
  template <class Message>
  void hold(const Message& message) {
    if (channel_ && !channel_->hold(message)) kill("its channel does not take messages");
  }
  void flush();

  bool is_running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  unsigned restarts() const { return restarts_; }
  // It has fallen and is not back yet.
  bool is_waited_for() const { return wanted_ && !is_running(); }
  // How it is, in words: "running", "starting again in 3 s", "not wanted".
  std::string state() const;
  // How it last fell, "" while it has not: "killed by signal 9".
  const std::string& last_end() const { return last_end_; }
  const std::string& role() const { return role_; }

 private:
  void launch();
  void on_ready();
  void on_silence();
  void on_status(int status);
  void on_ended(int status);
  void launch_after(std::chrono::milliseconds pause);
  void watch_queue();

  base::Loop& loop_;
  const Launcher& launcher_;
  std::string role_, label_;
  Hooks hooks_;
  bool wanted_ = false;
  pid_t pid_ = 0;
  bool has_spoken_ = false;  // it is past its start
  bool ending_ = false;      // an end was asked for: it is no fall
  unsigned restarts_ = 0;
  std::string why_killed_, last_end_;
  std::uint32_t pings_ = 0;
  bool has_answered_ = true;  // the last of these
  bool is_overdue_ = false;   // its answer, once already
  BootTime launched_, next_launch_;
  std::chrono::milliseconds back_off_;
  std::optional<wire::Channel> channel_;
  std::unique_ptr<base::FdWatcher> channel_watcher_;
  std::unique_ptr<base::ChildWatcher> child_watcher_;
  base::Timer restart_timer_, end_timer_, pong_timer_;
};

}  // namespace upnpd::gateway
