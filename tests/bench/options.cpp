#include "options.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace upnpd::bench {

void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

void fail_with_errno(const std::string& what) {
  fail(what + ": " + std::strerror(errno));
}

Options::Options(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) fail("usage: ACTION [--name value]...");
  action_ = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--")) fail("not an option: " + std::string(name));
    values_[std::string(name.substr(2))] = argv[i + 1];
  }
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? otherwise : found->second;
}

std::string Options::text(const std::string& name) const {
  if (!values_.contains(name)) fail("--" + name + " is missing");
  return values_.at(name);
}

unsigned Options::number(const std::string& name, unsigned otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  const std::string& digits = found->second;
  unsigned value = 0;
  const char* const end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, value).ptr != end || digits.empty())
    fail("--" + name + ": not a number: " + digits);
  return value;
}

std::vector<std::string> Options::list(const std::string& name) const {
  std::vector<std::string> items;
  std::string rest = text(name, "");
  for (std::size_t comma = 0; (comma = rest.find(',')) != std::string::npos;) {
    items.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  items.push_back(rest);
  return items;
}

}  // namespace upnpd::bench
