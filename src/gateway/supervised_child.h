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

  template <class Message>
  void send(const Message& message, int fd = -1) {
    if (!channel_) return;
    if (!channel_->send(message, fd)) return kill("its channel does not take messages");
    watch_queue();
  }

  bool is_running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  unsigned restarts() const { return restarts_; }
  const std::string& role() const { return role_; }

 private:
  void launch();
  void on_ready();
  void on_status(int status);
  void on_ended(int status);
  void watch_queue();

  base::Loop& loop_;
  const Launcher& launcher_;
  std::string role_, label_;
  Hooks hooks_;
  bool wanted_ = false;
  pid_t pid_ = 0;
  unsigned restarts_ = 0;
  BootTime launched_;
  std::chrono::milliseconds back_off_;
  std::optional<wire::Channel> channel_;
  std::unique_ptr<base::FdWatcher> channel_watcher_;
  std::unique_ptr<base::ChildWatcher> child_watcher_;
  base::Timer restart_timer_, end_timer_;
};

}  // namespace upnpd::gateway
