#include "supervised_child.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "clock.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
constexpr auto kFirstBackOff = 100ms;
constexpr auto kLongestBackOff = std::chrono::milliseconds(10s);
constexpr auto kLivedWell = 10s;
constexpr auto kEndPatience = 2s;
// With a doorbell's pause, a hung child is noticed within two seconds of a LAN program's asking.
constexpr auto kPongPatience = 1000ms;
// What is left to it then: where the machine was held up as a whole, it has had none of that time.
constexpr auto kLastChance = 200ms;
constexpr std::size_t kFramesTogether = 256;

std::string how(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return "killed by its watchdog: it was busy or blocked for too long";
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
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
      end_timer_(loop, [this] { kill("it does not end by itself"); }),
      pong_timer_(loop, [this] { on_silence(); }) {}

void SupervisedChild::start() {
  wanted_ = true;
  if (!is_running() && !restart_timer_.is_running()) launch();
}

void SupervisedChild::expect_end() {
  wanted_ = false;
  restart_timer_.stop();
  ending_ = is_running();
  if (ending_) end_timer_.start(kEndPatience);
}

void SupervisedChild::launch() {
  auto ends = wire::Channel::make_pair();
  if (!ends) {
    base::log_error("no channel for the " + label_);
    return launch_after(kLongestBackOff);
  }
  const auto started = launcher_.start(role_, label_, std::move(ends->second).release());
  if (!started) {
    base::log_error(label_ + ": " + started.error());
    last_end_ = started.error();
    return launch_after(kLongestBackOff);
  }
  pid_ = *started;
  launched_ = base::boot_now();
  has_spoken_ = false;
  channel_ = std::move(ends->first);
  channel_watcher_ = std::make_unique<base::FdWatcher>(loop_, channel_->fd(), base::Interest::Read,
                                                       [this] { on_ready(); });
  child_watcher_ =
      std::make_unique<base::ChildWatcher>(loop_, pid_, [this](int status) { on_status(status); });
  hooks_.started();
}

void SupervisedChild::launch_after(std::chrono::milliseconds pause) {
  next_launch_ = base::boot_now() + pause;
  restart_timer_.start(pause);
}

std::string SupervisedChild::state() const {
  if (is_running()) return "running";
  if (!restart_timer_.is_running()) return "not wanted";
  const auto left = std::chrono::ceil<std::chrono::seconds>(next_launch_ - base::boot_now());
  return "starting again in " + std::to_string(std::max<std::int64_t>(left.count(), 0)) + " s";
}

void SupervisedChild::ask_for_life() {
  // How long a start may take is the watchdog's to say.
  if (!is_running() || !has_spoken_ || ending_ || pong_timer_.is_running()) return;
  pong_timer_.start(kPongPatience);
  has_answered_ = is_overdue_ = false;
  send(Ping{++pings_});
}

void SupervisedChild::on_pong() {
  pong_timer_.stop();
  has_answered_ = true;
}

// The answer may be waiting, when the gateway itself was busy or held up all the while.
void SupervisedChild::on_silence() {
  on_ready();
  if (!channel_ || has_answered_) return;
  if (std::exchange(is_overdue_, true)) return kill("it does not answer");
  pong_timer_.start(kLastChance);
}

void SupervisedChild::flush() {
  if (!channel_) return;
  if (channel_->has_queued() && !channel_->flush()) return kill("its channel is broken");
  watch_queue();
}

void SupervisedChild::on_ready() {
  flush();
  if (!channel_) return;
  std::vector<wire::Frame> frames;
  while (frames.size() < kFramesTogether) {
    auto waiting = channel_->receive();
    if (!waiting) {
      // Closed: it has ended, or is about to; the watcher of the process tells.
      channel_watcher_.reset();
      if (waiting.error() == wire::ChannelError::Malformed)
        kill("it sent a frame that is too long");
      else
        end_timer_.start(kEndPatience);
      break;
    }
    std::ranges::move(*waiting, std::back_inserter(frames));
    if (waiting->size() < wire::Channel::kFramesAtOnce) break;
  }
  has_spoken_ = has_spoken_ || !frames.empty();
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
  why_killed_ = why;
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
  const pid_t pid = std::exchange(pid_, 0);
  const std::string why = std::exchange(why_killed_, "");
  const bool was_ending = std::exchange(ending_, false);
  end_timer_.stop();
  pong_timer_.stop();
  channel_watcher_.reset();
  channel_.reset();
  if (!wanted_) return hooks_.ended();
  if (was_ending) return launch();
  last_end_ = how(status) + (why.empty() ? "" : ": " + why);
  ++restarts_;
  back_off_ = lived_well ? kFirstBackOff : back_off_;
  base::log_warning(label_ + " (pid " + std::to_string(pid) + ") " + last_end_ +
                    "; it is started again in " + std::to_string(back_off_.count()) + " ms");
  launch_after(back_off_);
  back_off_ = std::min(2 * back_off_, kLongestBackOff);
}

}  // namespace upnpd::gateway
