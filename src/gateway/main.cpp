// upnpd: one binary, in several roles. Without the mark of a child on the command line it is the
// gateway, and starts the others.
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "announcer.h"
#include "background.h"
#include "config_keys.h"
#include "gateway.h"
#include "igd_service.h"
#include "log.h"
#include "nft_table.h"
#include "options.h"
#include "sandbox.h"
#include "upnpd/paths.h"
#include "upnpd/version.h"

namespace upnpd::gateway {
namespace {

constexpr const char* kUser = "upnpd";  // and the group that may administer
constexpr std::size_t kMaxLans = 32;
constexpr rlim_t kServiceMemory = 128 << 20, kAnnouncerMemory = 256 << 20;
// Seven LANs can have all their connections at once, 64 over each family: to keep others out of the
// service it takes hosts of eight. 34 KiB each, they stay within its memory.
constexpr rlim_t kServiceFiles = 1024, kAnnouncerFiles = 256;

int fail(const std::string& line) {
  base::log_error(line);
  return 1;
}

// ---- a child ----

int run_igd(const ChildOrder& order) {
  if (auto done =
          base::drop_privileges({order.user, order.empty_root, kServiceMemory, kServiceFiles});
      !done)
    return fail(done.error());
  if (auto done = base::restrict_syscalls(base::SyscallSet::Service); !done)
    return fail(done.error());
  return igd::run_igd_service(base::Fd(base::kChannelFd));
}

int run_announcer(const ChildOrder& order) {
  if (auto done =
          base::drop_privileges({order.user, order.empty_root, kAnnouncerMemory, kAnnouncerFiles});
      !done)
    return fail(done.error());
  return announcer::run_announcer(base::Fd(base::kChannelFd), [] {
    if (auto done = base::restrict_syscalls(base::SyscallSet::Announcer); !done)
      ::_exit(fail(done.error()));
  });
}

int run_child(const ChildOrder& order) {
  // localtime() would look for files, which an empty root does not have and seccomp punishes. Once
  // asked now, it knows.
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  base::set_up_log({order.label, order.log_to_stderr, order.debug});
  // Ctrl-C and a terminal's end are the gateway's to hear.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  if (order.role == "igd") return run_igd(order);
  if (order.role == "announcer") return run_announcer(order);
  if (order.role == "kill") return kill_sibling(order.target);
  return fail("there is no role '" + order.role + "'");
}

// ---- the gateway ----

std::string user_for(const Config& config) {
  if (!config.run_as.empty()) return config.run_as;
  return ::getpwnam(kUser) != nullptr ? kUser : "nobody";
}

// The command line's interfaces take the place of the configuration's, and are judged alike.
void apply_options(const Options& options, ConfigReading& reading) {
  const auto set = [&](const char* option, const char* key, const std::string& value) {
    if (const auto done = set_key(reading.config, key, value); !done)
      reading.problems.push_back({ConfigProblem::Severity::Error, option, done.error()});
  };
  if (!options.wans.empty()) reading.config.wans.clear();
  for (const std::string& wan : options.wans)
    set("--wan", "ext_ifname", wan);
  if (!options.lans.empty()) reading.config.lans.clear();
  for (const std::string& lan : options.lans)
    set("--lan", "listening_ip", lan);
}

// What is wrong with the values together, whatever each is for itself.
std::optional<std::string> contradiction(const Config& config) {
  if (config.lans.empty())
    return "no LAN is named: add a line listening_ip=IFACE, or start with --lan IFACE";
  if (config.lans.size() > kMaxLans)
    return "more than " + std::to_string(kMaxLans) + " LANs are named";
  const auto is_lan = [&](const std::string& name) {
    return std::ranges::count(config.lans, name) != 0;
  };
  if (const auto both = std::ranges::find_if(config.wans, is_lan); both != config.wans.end())
    return *both + " cannot be a WAN and a LAN at once";
  for (const auto& [lan, wan] : config.lan_wans) {
    if (!is_lan(lan)) return "lan_wan names " + lan + ", which no listening_ip does";
    if (std::ranges::count(config.wans, wan) == 0)
      return "lan_wan names " + wan + ", which no ext_ifname does";
  }
  for (const auto& [lan, prefix] : config.lan_prefixes)
    if (!is_lan(lan)) return "lan_prefix names " + lan + ", which no listening_ip does";
  if (::getpwnam(user_for(config).c_str()) == nullptr)
    return "user " + user_for(config) + " does not exist; set run_as to one that does";
  return std::nullopt;
}

ConfigReading read_wanted_config(const Options& options) {
  ConfigReading reading;
  std::string where = options.config_file.value_or(kDefaultConfig);
  if (options.config_file || ::access(kDefaultConfig, F_OK) == 0) {
    reading = read_config_file(where);
  } else {
    where += " (which is not there)";
    reading = read_config("", where);
  }
  apply_options(options, reading);
  // What could not be read may be what seems to lack.
  if (reading.has_errors()) return reading;
  if (auto found = contradiction(reading.config))
    reading.problems.push_back({ConfigProblem::Severity::Error, where, *std::move(found)});
  return reading;
}

int check(const Options& options) {
  const ConfigReading reading = read_wanted_config(options);
  for (const ConfigProblem& problem : reading.problems)
    std::fprintf(stderr, "%s\n", to_string(problem).c_str());
  if (reading.has_errors()) return 1;
  std::puts("the configuration is good");
  return 0;
}

std::expected<void, std::string> make_directory(const std::filesystem::path& path,
                                                const char* advice) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return std::unexpected("cannot make directory " + path.string() + ": " + error.message() +
                           "; " + advice);
  return {};
}

std::expected<void, std::string> make_directories(const Config& config) {
  for (const std::filesystem::path path : {kRunDirectory, kEmptyRoot})
    if (auto made = make_directory(path, "upnpd needs it, on a file system that can be written");
        !made)
      return made;
  if (auto made =
          make_directory(config.admin_socket.parent_path(), "admin_socket may name another place");
      !made)
    return made;
  // The journal can do without its directory, and says so.
  if (auto made =
          make_directory(config.lease_file.parent_path(), "lease_file may name another place");
      !made)
    base::log_warning(made.error());
  return {};
}

// What a part of the kernel answered when it was opened, and what it takes.
std::unexpected<std::string> closed(const char* what, int error, const char* needed) {
  return std::unexpected(base::with_errno(what, error) + "; upnpd needs " + needed);
}

std::expected<Gateway::Resources, std::string> open_resources(const Config& config,
                                                              const Options& options) {
  if (auto made = make_directories(config); !made) return std::unexpected(made.error());
  auto launcher = Launcher::make({.role = "",
                                  .label = "",
                                  .user = user_for(config),
                                  .empty_root = kEmptyRoot,
                                  .log_to_stderr = options.foreground,
                                  .debug = options.debug});
  if (!launcher) return std::unexpected(launcher.error());
  auto admin_socket = AdminServer::listen(config.admin_socket, kUser);
  if (!admin_socket) return std::unexpected(admin_socket.error());
  auto watch = kernel::InterfaceWatch::open();
  if (!watch) return closed("rtnetlink", watch.error().error, "sockets of AF_NETLINK");
  auto link_speeds = kernel::LinkSpeedReader::open();
  if (!link_speeds) return closed("ethtool", link_speeds.error().error, "sockets of AF_NETLINK");

  auto flow_ender = kernel::FlowEnder::open();
  if (!flow_ender)
    return closed("conntrack", flow_ender.error().error, "a kernel with nf_conntrack_netlink");
  auto neighbours = kernel::NeighbourTable::open();
  if (!neighbours) return closed("neighbours", neighbours.error().error, "sockets of AF_NETLINK");

  auto neighbour_watch = kernel::NeighbourWatch::open();
  if (!neighbour_watch)
    return closed("neighbours", neighbour_watch.error().error, "sockets of AF_NETLINK");

  auto ports_in_use = kernel::PortsInUseReader::open();
  if (!ports_in_use)
    return closed("sock_diag", ports_in_use.error().error, "a kernel with inet_diag");

  IdentityReading identity = load_identity(config.lease_file.string() + ".identity");
  if (!identity.problem.empty()) base::log_warning(identity.problem);
  if (config.uuid) identity.identity.uuid = *config.uuid;
  const auto access =
      config.table_owner ? kernel::TableAccess::OursAlone : kernel::TableAccess::Everyones;
  return Gateway::Resources{.identity = std::move(identity.identity),
                            .identity_fault = std::move(identity.problem),
                            .launcher = *std::move(launcher),
                            .admin_socket = *std::move(admin_socket),
                            .interface_watch = *std::move(watch),
                            .link_speeds = *std::move(link_speeds),
                            .nat = std::make_unique<kernel::NftTable>(access),
                            .flow_ender = *std::move(flow_ender),
                            .neighbours = *std::move(neighbours),
                            .ports_in_use = *std::move(ports_in_use),
                            .neighbour_watch = *std::move(neighbour_watch),
                            .read_config = [options] { return read_wanted_config(options); }};
}

int serve(Options options) {
  // Going into the background changes the directory.
  if (options.config_file) options.config_file = std::filesystem::absolute(*options.config_file);
  base::set_up_log({"gateway", true, options.debug});
  ConfigReading reading = read_wanted_config(options);
  log_problems(reading);
  if (reading.has_errors())
    return fail(
        "not started until the errors before this line are mended (upnpd --check shows them)");
  if (auto rights = base::check_gateway_rights(); !rights) return fail(rights.error());
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  // Where it may not, a service manager may have done it: our systemd unit does.
  if (auto forbidden = base::forbid_needless_syscalls();
      !forbidden && ::prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER)
    base::log_warning(forbidden.error());
  auto resources = open_resources(reading.config, options);
  if (!resources) return fail(resources.error());
  if (auto kept = base::keep_only_net_admin(); !kept) return fail(kept.error());
  std::optional<base::Background> background;
  if (!options.foreground && !options.stay) {
    auto entered = base::Background::enter();
    if (!entered) return fail(entered.error());
    background = *std::move(entered);
  }
  if (!options.foreground) base::set_up_log({"gateway", false, options.debug});

  Gateway gateway(std::move(reading.config), *std::move(resources));
  const auto opened = gateway.open();
  if (background) background->report(opened ? "" : opened.error());
  if (!opened) return fail(opened.error());
  gateway.run();
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  if (const auto order = parse_child_order(arguments)) return run_child(*order);
  const auto options = parse_options(arguments);
  if (!options) {
    std::fprintf(stderr, "upnpd: %s\n", options.error().c_str());
    return 2;
  }
  switch (options->action) {
    case Options::Action::Help: std::fputs(usage().c_str(), stdout); return 0;
    case Options::Action::Version: std::printf("upnpd %s\n", kVersion); return 0;
    case Options::Action::Check: return check(*options);
    case Options::Action::Serve: return serve(*options);
  }
  return 2;
}

}  // namespace
}  // namespace upnpd::gateway

int main(int argc, char** argv) {
  return upnpd::gateway::run(std::vector<std::string>(argv + 1, argv + argc));
}
