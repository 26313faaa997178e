#include "sandbox.h"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "log.h"

namespace upnpd::base {
namespace {

// Not in effect in the gateway, but for its children to come by when they are executed.
constexpr std::pair<int, const char*> kForChildren[] = {{CAP_SETUID, "CAP_SETUID"},
                                                        {CAP_SETGID, "CAP_SETGID"},
                                                        {CAP_SETPCAP, "CAP_SETPCAP"},
                                                        {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
                                                        {CAP_KILL, "CAP_KILL"}};

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(with_errno(what, errno));
}

// A resource is an int in musl and of an enumeration in glibc.
template <class Resource>
std::expected<void, std::string> set_limit(Resource resource, rlim_t value, const char* name) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  // Never above what this process was given.
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value) value = limit.rlim_max;
  limit = {value, value};
  if (::setrlimit(resource, &limit) != 0) return failed(std::string("cannot limit ") + name);
  return {};
}

std::expected<void, std::string> set_limits(const SandboxSettings& settings) {
  if (auto done = set_limit(RLIMIT_CORE, 0, "core files"); !done) return done;
  if (auto done = set_limit(RLIMIT_NOFILE, settings.open_files, "open files"); !done) return done;
#ifndef UPNPD_SANITIZED  // the shadow memory alone is terabytes of address space
  if (auto done = set_limit(RLIMIT_AS, settings.address_space, "address space"); !done) return done;
#endif
  return {};
}

struct User {
  uid_t uid;
  gid_t gid;
};

std::expected<User, std::string> find_user(const std::string& name) {
  errno = 0;
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr)
    return std::unexpected("user " + name + " does not exist; set run_as to one that does");
  return User{entry->pw_uid, entry->pw_gid};
}

std::expected<void, std::string> become(const User& user) {
  if (::setgroups(0, nullptr) != 0) return failed("cannot leave the supplementary groups");
  if (::setresgid(user.gid, user.gid, user.gid) != 0) return failed("cannot change the group");
  if (::setresuid(user.uid, user.uid, user.uid) != 0) return failed("cannot change the user");
  return {};
}

std::expected<void, std::string> enter_empty_root(const std::string& directory) {
  if (::chroot(directory.c_str()) != 0)
    return failed("cannot make " + directory + " the root directory");
  if (::chdir("/") != 0) return failed("cannot enter the root directory");
  return {};
}

}  // namespace

std::expected<void, std::string> drop_privileges(const SandboxSettings& settings) {
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    // The user's name is looked up in files, so before there are none.
    const auto user = find_user(settings.user);
    if (!user) return std::unexpected(user.error());
    if (auto done = enter_empty_root(settings.empty_root); !done) return done;
    capng_clear(CAPNG_SELECT_BOUNDS);
    if (capng_apply(CAPNG_SELECT_BOUNDS) != 0) return failed("cannot drop the bounding set");
    if (auto done = become(*user); !done) return done;
  }
  capng_clear(CAPNG_SELECT_CAPS);
  if (capng_apply(CAPNG_SELECT_CAPS) != 0) return failed("cannot drop the capabilities");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("cannot set no_new_privs");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("cannot forbid dumps");
  return set_limits(settings);
}

std::expected<void, std::string> check_gateway_rights() {
  capng_clear(CAPNG_SELECT_BOTH);
  if (capng_get_caps_process() != 0) return failed("cannot read this process's capabilities");
  if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) == 0)
    return std::unexpected(
        ::geteuid() == 0
            ? "CAP_NET_ADMIN is missing: a container or a service manager keeps it from root; "
              "let it have it, in systemd by CapabilityBoundingSet="
            : "CAP_NET_ADMIN is missing: start upnpd as root, or with "
              "AmbientCapabilities=CAP_NET_ADMIN");
  if (::geteuid() != 0) return {};  // then so are its children
  for (const auto& [capability, name] : kForChildren)
    if (capng_have_capability(CAPNG_BOUNDING_SET, static_cast<unsigned>(capability)) == 0)
      return std::unexpected(
          std::string(name) +
          " is missing, which upnpd's children need to give up root: add it to the "
          "CapabilityBoundingSet= of the service, or to what the container may");
  return {};
}

std::expected<void, std::string> keep_only_net_admin() {
  capng_clear(CAPNG_SELECT_BOTH);
  capng_update(CAPNG_ADD, capng_type_t(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_ADMIN);
  capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, CAP_NET_ADMIN);
  for (const auto& [capability, name] : kForChildren)
    capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET, static_cast<unsigned>(capability));
  if (capng_apply(CAPNG_SELECT_BOTH) != 0)
    return std::unexpected("cannot give up all capabilities but CAP_NET_ADMIN");
  return {};
}

}  // namespace upnpd::base
