#include "supervised_child.h"

#include <sys/wait.h>

#include <algorithm>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kFirstBackOff = 100ms;
constexpr auto kLongestBackOff = std::chrono::milliseconds(10s);
constexpr auto kLivedWell = 10s;
constexpr auto kEndPatience = 2s;
constexpr std::size_t kFramesTogether = 256;

std::string how(int status) {
  if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

SupervisedChild::SupervisedChild(base::Loop& loop, const Launcher& launcher, std::string role,
                                 std::string label, Hooks hooks)
    : loop_(loop),
      launcher_(launcher),
      role_(std::move(role)),
      label_(std::move(label)),
      hooks_(std::move(hooks)),
      back_off_(kFirstBackOff),
      restart_timer_(loop, [this] { launch(); }),
      end_timer_(loop, [this] { kill("it does not end by itself"); }) {}

void SupervisedChild::start() {
  wanted_ = true;
  if (!is_running() && !restart_timer_.is_running()) launch();
}

void SupervisedChild::expect_end() {
  wanted_ = false;
  restart_timer_.stop();
  if (is_running()) end_timer_.start(kEndPatience);
}

void SupervisedChild::launch() {
  auto ends = wire::Channel::make_pair();
  if (!ends) {
    base::log_error("no channel for the " + label_);
    restart_timer_.start(kLongestBackOff);
    return;
  }
  const auto started = launcher_.start(role_, label_, std::move(ends->second).release());
  if (!started) {
    base::log_error(label_ + ": " + started.error());
    restart_timer_.start(kLongestBackOff);
    return;
  }
  pid_ = *started;
  launched_ = base::boot_now();
  channel_ = std::move(ends->first);
  channel_watcher_ = std::make_unique<base::FdWatcher>(loop_, channel_->fd(), base::Interest::Read,
                                                       [this] { on_ready(); });
  child_watcher_ =
      std::make_unique<base::ChildWatcher>(loop_, pid_, [this](int status) { on_status(status); });
  hooks_.started();
}

void SupervisedChild::on_ready() {
  if (channel_->has_queued() && !channel_->flush()) return kill("its channel is broken");
  watch_queue();
  std::vector<wire::Frame> frames;
  while (frames.size() < kFramesTogether) {
    auto frame = channel_->receive();
    if (!frame) {
      // Closed: it has ended, or is about to; the watcher of the process tells.
      channel_watcher_.reset();
      if (frame.error() == wire::ChannelError::Malformed)
        kill("it sent a frame that is too long");
      else
        end_timer_.start(kEndPatience);
      break;
    }
    if (!*frame) break;
    frames.push_back(std::move(**frame));
  }
  if (!frames.empty()) hooks_.received(std::move(frames));
}

void SupervisedChild::watch_queue() {
  if (channel_watcher_)
    channel_watcher_->set_interest(channel_->has_queued() ? base::Interest::ReadWrite
                                                          : base::Interest::Read);
}

void SupervisedChild::kill(const std::string& why) {
  if (!is_running()) return;
  base::log_warning(label_ + " (pid " + std::to_string(pid_) + ") is ended: " + why);
  channel_watcher_.reset();
  channel_.reset();
  launcher_.end(pid_);
}

void SupervisedChild::on_status(int status) {
  if (WIFSTOPPED(status)) return kill("it is stopped");
  if (!WIFCONTINUED(status)) on_ended(status);
}

void SupervisedChild::on_ended(int status) {
  const bool lived_well = base::boot_now() - launched_ >= kLivedWell;
  if (wanted_)
    base::log_warning(label_ + " (pid " + std::to_string(pid_) + ") " + how(status) +
                      ", is started again");
  pid_ = 0;
  end_timer_.stop();
  channel_watcher_.reset();
  channel_.reset();
  if (!wanted_) return hooks_.ended();
  ++restarts_;
  back_off_ = lived_well ? kFirstBackOff : back_off_;
  restart_timer_.start(back_off_);
  back_off_ = std::min(2 * back_off_, kLongestBackOff);
}

}  // namespace upnpd::gateway
