#include "launcher.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "log.h"
#include "words.h"

namespace upnpd::gateway {
namespace {

constexpr std::string_view kMark = "--child";
constexpr std::size_t kWords = 8;

// The parent of `pid`; no value when /proc does not show it (hidepid), or there is no such process.
// The name in /proc/PID/stat may hold anything but ends at the last ')'.
std::optional<pid_t> parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(line).substr(name_end + 1);
  take_word(rest);  // the state
  const auto parent = read_number(take_word(rest), INT32_MAX);
  return parent ? std::optional(static_cast<pid_t>(*parent)) : std::nullopt;
}

}  // namespace

std::vector<std::string> to_arguments(const ChildOrder& order) {
  return {"upnpd",
          std::string(kMark),
          order.role,
          order.label,
          order.user,
          order.empty_root,
          order.log_to_stderr ? "stderr" : "syslog",
          order.debug ? "debug" : "notice",
          std::to_string(order.target)};
}

std::optional<ChildOrder> parse_child_order(const std::vector<std::string>& arguments) {
  if (arguments.size() != kWords || arguments[0] != kMark) return std::nullopt;
  const auto target = read_number(arguments[7], INT32_MAX);
  if (!target) return std::nullopt;
  return ChildOrder{arguments[1],
                    arguments[2],
                    arguments[3],
                    arguments[4],
                    arguments[5] == "stderr",
                    arguments[6] == "debug",
                    static_cast<pid_t>(*target)};
}

std::expected<Launcher, std::string> Launcher::make(ChildOrder pattern) {
  auto binary = base::open_own_binary();
  if (!binary) return std::unexpected(binary.error());
  return Launcher(*std::move(binary), std::move(pattern));
}

std::expected<pid_t, std::string> Launcher::start(const std::string& role, const std::string& label,
                                                  const base::Fd& channel) const {
  ChildOrder order = pattern_;
  order.role = role;
  order.label = label;
  return base::start_child(binary_, to_arguments(order), channel);
}

void Launcher::end(pid_t child) const {
  if (::kill(child, SIGKILL) == 0 || errno != EPERM) return;
  ChildOrder order = pattern_;
  order.role = "kill";
  order.target = child;
  if (const auto started = base::start_child(binary_, to_arguments(order), base::Fd()); !started)
    base::log_error(started.error());
}

int kill_sibling(pid_t target) {
  // The target's pid cannot have been taken by a stranger: its parent has not reaped it.
  if (target <= 1 || parent_of(target).value_or(::getppid()) != ::getppid()) return 1;
  return ::kill(target, SIGKILL) == 0 ? 0 : 1;
}

}  // namespace upnpd::gateway
