// The arguments of the bench's programs: one word that says what to do, then `--name value` pairs.
// What is wrong ends the program: whoever starts it is a script of ours.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace upnpd::bench {

class Options {
 public:
  Options(int argc, char** argv);

  const std::string& action() const { return action_; }
  std::string text(const std::string& name, const std::string& otherwise) const;
  // A text without which there is nothing to do.
  std::string text(const std::string& name) const;
  unsigned number(const std::string& name, unsigned otherwise) const;
  // A comma separated list; one empty text when it is absent.
  std::vector<std::string> list(const std::string& name) const;

 private:
  std::string action_;
  std::map<std::string, std::string> values_;
};

[[noreturn]] void fail(const std::string& why);
// fail() with what errno says.
[[noreturn]] void fail_with_errno(const std::string& what);

}  // namespace upnpd::bench
