// How a child of the gateway is started and ended: one place that knows the words between parent
// and child on the command line.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "child.h"
#include "fd.h"

namespace upnpd::gateway {

// What a child is told on its command line.
struct ChildOrder {
  std::string role;        // "igd", "announcer" or "kill"
  std::string label;       // for its log lines: "announcer br-lan"
  std::string user;        // whose rights to take
  std::string empty_root;  // its root directory
  bool log_to_stderr = true;
  bool debug = false;
  pid_t target = 0;  // of the role "kill"
};
std::vector<std::string> to_arguments(const ChildOrder& order);
// No value when `arguments`, without the program's name, are not of a child.
std::optional<ChildOrder> parse_child_order(const std::vector<std::string>& arguments);

class Launcher {
 public:
  // `pattern` holds for every child but for role and label. An error is a line for the log.
  static std::expected<Launcher, std::string> make(ChildOrder pattern);

  std::expected<pid_t, std::string> start(const std::string& role, const std::string& label,
                                          const base::Fd& channel) const;
  // Ends a child by SIGKILL. The gateway has no right to: a re-execution has (CAP_KILL), and dies.
  void end(pid_t child) const;

 private:
  Launcher(base::Fd binary, ChildOrder pattern)
      : binary_(std::move(binary)), pattern_(std::move(pattern)) {}
  base::Fd binary_;
  ChildOrder pattern_;
};

// The work of the role "kill": ends `target` if it is a child of the same parent as this process.
int kill_sibling(pid_t target);

}  // namespace upnpd::gateway
