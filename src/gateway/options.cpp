#include "options.h"

#include "upnpd/paths.h"

namespace upnpd::gateway {

std::string usage() {
  return R"(Usage: upnpd [--config FILE] [--wan IFACE] [--lan IFACE]... [OPTION]...
The UPnP Internet Gateway of a home router.

  -f, --config FILE   read the configuration from FILE (default: )" +
         std::string(kDefaultConfig) + R"(,
                      if it is there); keys and permission lines are miniupnpd.conf's
      --wan IFACE     an interface towards the internet; may be repeated (default:
                      ext_ifname, or else that of the default route)
      --lan IFACE     an interface towards the home; may be repeated (default:
                      listening_ip)
      --foreground    stay in the foreground and log to standard error
      --syslog        stay in the foreground and log to syslog, for a supervisor
  -d, --debug         log more; implies --foreground, but for --syslog
      --check         read the configuration, say what is wrong with it, line by
                      line, and exit
      --version       show the version and exit
  -h, --help          show this and exit
)";
}

namespace {

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  std::expected<Options, std::string> parse() {
    for (; next_ < arguments_.size(); ++next_)
      if (auto taken = take(arguments_[next_]); !taken) return std::unexpected(taken.error());
    if (options_.stay && options_.foreground)
      return std::unexpected("--foreground and --syslog cannot both be");
    if (options_.debug && !options_.stay) options_.foreground = true;
    return options_;
  }

 private:
  using Result = std::expected<void, std::string>;

  Result take(const std::string& word) {
    using enum Options::Action;
    if (word == "--foreground") return set(options_.foreground, true);
    if (word == "--syslog") return set(options_.stay, true);
    if (word == "--debug" || word == "-d") return set(options_.debug, true);
    if (word == "--check") return set(options_.action, Check);
    if (word == "--version") return set(options_.action, Version);
    if (word == "--help" || word == "-h") return set(options_.action, Help);
    if (word == "-f") return take_value("-f", "--config");
    for (const char* const name : {"--config", "--wan", "--lan"}) {
      if (word == name) return take_value(word, name);
      if (word.starts_with(std::string(name) + "="))
        return store(name, word.substr(word.find('=') + 1));
    }
    return std::unexpected("unknown option '" + word + "'; see upnpd --help");
  }

  Result take_value(const std::string& word, const std::string& name) {
    if (next_ + 1 >= arguments_.size())
      return std::unexpected(word + " needs a value; see upnpd --help");
    return store(name, arguments_[++next_]);
  }

  Result store(const std::string& name, const std::string& value) {
    if (value.empty()) return std::unexpected(name + " needs a value; see upnpd --help");
    if (name == "--config") return set(options_.config_file, value);
    (name == "--wan" ? options_.wans : options_.lans).push_back(value);
    return {};
  }

  template <class T, class V>
  static Result set(T& place, V value) {
    place = std::move(value);
    return {};
  }

  const std::vector<std::string>& arguments_;
  std::size_t next_ = 0;
  Options options_;
};

}  // namespace

std::expected<Options, std::string> parse_options(const std::vector<std::string>& arguments) {
  return Parser(arguments).parse();
}

}  // namespace upnpd::gateway
