#include "syscall_filter.h"

#include <sys/syscall.h>

#include <cerrno>

namespace upnpd::base {
namespace {

// Where socketcall(2) is (32-bit x86, MIPS, s390), its arguments are in memory, out of a filter's
// sight: libseccomp takes a rule for socket(2) for the whole of that call too, and a second one
// that would answer it otherwise does not exist. The first, which permits, stands then; what the
// second would have refused ends the process instead.
#ifdef SYS_socketcall
constexpr int kContradiction = -EEXIST;
#else
constexpr int kContradiction = 0;
#endif

}  // namespace

SyscallFilter::SyscallFilter(std::uint32_t otherwise) : filter_(seccomp_init(otherwise)) {
  if (!filter_) note(-ENOMEM);
  set(SCMP_FLTATR_CTL_TSYNC, 1);
}

void SyscallFilter::set(scmp_filter_attr attribute, std::uint32_t value) {
  if (filter_) note(seccomp_attr_set(filter_.get(), attribute, value));
}

void SyscallFilter::add(std::uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (filter_ && number != __NR_SCMP_ERROR)
    note(seccomp_rule_add(filter_.get(), action, number, 0));
}

void SyscallFilter::add_if(std::uint32_t action, int number, const scmp_arg_cmp& condition) {
  if (!filter_) return;
  const int result = seccomp_rule_add_array(filter_.get(), action, number, 1, &condition);
  if (result != kContradiction || action == SCMP_ACT_ALLOW) note(result);
}

std::expected<void, int> SyscallFilter::load() {
  if (error_ == 0) note(seccomp_load(filter_.get()));
  if (error_ == 0) return {};
  return std::unexpected(error_);
}

}  // namespace upnpd::base
