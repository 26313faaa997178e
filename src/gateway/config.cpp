#include "config.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "config_keys.h"
#include "log.h"
#include "permission_line.h"
#include "words.h"

namespace upnpd::gateway {
namespace {

using Severity = ConfigProblem::Severity;

class Reader {
 public:
  explicit Reader(const std::string& name) : name_(name) {}

  void read_line(std::string_view line) {
    ++line_number_;
    line = trim(line);
    if (line.empty() || line.front() == '#') return;
    if (is_permission_line(line))
      read_permission(line);
    else
      read_assignment(line);
  }

  ConfigReading finish() {
    // PEERS' users rely on the shipped lines; a file without any still has to be safe and useful.
    auto& permissions = reading_.config.policy.permissions;
    if (permissions.empty() && !saw_permission_) permissions = core::Policy::usual_permissions();
    return std::move(reading_);
  }

 private:
  std::string where() const { return name_ + ":" + std::to_string(line_number_); }
  // A message quotes the line it is about, whatever that holds.
  void problem(Severity severity, const std::string& message) {
    reading_.problems.push_back({severity, where(), base::printable(message)});
  }

  void read_permission(std::string_view line) {
    saw_permission_ = true;
    auto permission = read_permission_line(line, where());
    if (permission)
      reading_.config.policy.permissions.push_back(*std::move(permission));
    else
      problem(Severity::Error, permission.error());
  }

  void read_assignment(std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      problem(Severity::Error,
              "'" + std::string(line) + "' is neither KEY=VALUE nor an allow or deny line");
      return;
    }
    const std::string_view key = trim(line.substr(0, equals));
    std::string_view value = trim(line.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    const auto set = set_key(reading_.config, key, value);
    if (!set)
      problem(Severity::Error, std::string(key) + ": " + set.error());
    else if (*set == KeyEffect::NoEffect)
      problem(Severity::Warning,
              std::string(key) + ": is known, and has no effect in this version");
  }

  const std::string& name_;
  int line_number_ = 0;
  bool saw_permission_ = false;
  ConfigReading reading_;
};

}  // namespace

std::string to_string(const ConfigProblem& problem) {
  const char* const word = problem.severity == Severity::Error ? ": error: " : ": warning: ";
  return problem.where + word + problem.message;
}

bool ConfigReading::has_errors() const {
  return std::ranges::any_of(problems, [](const auto& p) { return p.severity == Severity::Error; });
}

void log_problems(const ConfigReading& reading) {
  for (const ConfigProblem& problem : reading.problems)
    base::log(problem.severity == Severity::Error ? base::LogLevel::Error : base::LogLevel::Warning,
              problem.where + ": " + problem.message);
}

ConfigReading read_config(std::string_view text, const std::string& name) {
  Reader reader(name);
  while (!text.empty()) {
    const auto end = text.find('\n');
    reader.read_line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return reader.finish();
}

ConfigReading read_config_file(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || std::filesystem::is_directory(file)) {
    ConfigReading reading;
    reading.problems.push_back(
        {Severity::Error, file.string(),
         base::with_errno("the configuration cannot be read (--config names the file)",
                          errno == 0 ? EISDIR : errno)});
    return reading;
  }
  return read_config(text.str(), file.filename().string());
}

}  // namespace upnpd::gateway
