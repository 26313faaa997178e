// upnpd-admin: what the daemon has open, and what to do about it.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "admin_client.h"
#include "commands.h"
#include "upnpd/paths.h"
#include "upnpd/version.h"

namespace upnpd::admin {
namespace {

struct Options {
  std::string socket = kDefaultAdminSocket;
  bool json = false, help = false, version = false;
  std::vector<std::string> words;
};

std::string usage() {
  std::string text = "Usage: upnpd-admin [--socket PATH] [--json] COMMAND\n\n";
  for (const Command& command : commands()) {
    std::string line = std::string("  ") + command.name + " " + command.arguments;
    line.resize(std::max<std::size_t>(line.size() + 1, 20), ' ');
    text += line + command.purpose + "\n";
  }
  return text + "\n  --socket PATH     ask the daemon whose admin_socket is PATH (default: " +
         kDefaultAdminSocket +
         ")\n"
         "  --json            show the answer as JSON\n"
         "  --version, --help\n";
}

std::expected<Options, std::string> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json")
      options.json = true;
    else if (word == "--help" || word == "-h")
      options.help = true;
    else if (word == "--version")
      options.version = true;
    else if (word.starts_with("--socket="))
      options.socket = word.substr(std::strlen("--socket="));
    else if (word == "--socket" && i + 1 < argc)
      options.socket = argv[++i];
    else if (word.starts_with("-"))
      return std::unexpected("unknown option, or one without its value: " + word);
    else
      options.words.push_back(word);
  }
  return options;
}

int fail(const std::string& message, int status) {
  std::fprintf(stderr, "upnpd-admin: %s\n", message.c_str());
  return status;
}

int run(const Options& options) {
  if (options.help) return std::fputs(usage().c_str(), stdout) < 0;
  if (options.version) return std::printf("upnpd-admin %s\n", kVersion) < 0;
  if (options.words.empty()) return fail("a command is missing\n\n" + usage(), 2);
  const auto all = commands();
  const auto command = std::find_if(all.begin(), all.end(),
                                    [&](const Command& c) { return options.words[0] == c.name; });
  if (command == all.end())
    return fail("'" + options.words[0] + "' is no command\n\n" + usage(), 2);
  const auto request = command->request({options.words.begin() + 1, options.words.end()});
  if (!request) return fail(request.error(), 2);
  const auto answer = ask(options.socket, *request);
  if (!answer) return fail(answer.error(), 1);
  const std::string text = options.json ? answer->pretty_text() + "\n" : command->show(*answer);
  return std::fputs(text.c_str(), stdout) < 0;
}

}  // namespace
}  // namespace upnpd::admin

int main(int argc, char** argv) {
  const auto options = upnpd::admin::parse(argc, argv);
  if (!options) return upnpd::admin::fail(options.error(), 2);
  return upnpd::admin::run(*options);
}
