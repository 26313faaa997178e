// A seccomp filter being written. A rule that cannot be added must not be missing silently: a call
// that should pass would end the process some day, one that should not would pass. So the first
// fault is kept, and nothing is loaded then.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

namespace upnpd::base {

// A whole int argument, for `mask`.
inline constexpr scmp_datum_t kWholeInt = 0xffffffff;

// Which argument of clone(2) its flags are.
#ifdef __s390x__
inline constexpr unsigned kCloneFlags = 1;
#else
inline constexpr unsigned kCloneFlags = 0;
#endif

class SyscallFilter {
 public:
  // `otherwise`: what happens to calls that no rule names.
  explicit SyscallFilter(std::uint32_t otherwise);

  // By name, since not every architecture has every call: what an architecture lacks is left out.
  void allow(const char* name) { add(SCMP_ACT_ALLOW, name); }
  void refuse(int error, const char* name) { add(SCMP_ACT_ERRNO(error_code(error)), name); }
  template <std::size_t N>
  void allow(const char* const (&names)[N]) {
    for (const char* const name : names)
      allow(name);
  }

  // Lets `number` pass, or answers it with `error`, when its argument number `argument` has these
  // bits under `mask`.
  void allow_if(int number, unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
    add_if(SCMP_ACT_ALLOW, number, {argument, SCMP_CMP_MASKED_EQ, mask, bits});
  }
  void refuse_if(int error, int number, unsigned argument, scmp_datum_t mask, scmp_datum_t bits) {
    add_if(SCMP_ACT_ERRNO(error_code(error)), number, {argument, SCMP_CMP_MASKED_EQ, mask, bits});
  }
  void refuse_above(int error, int number, unsigned argument, scmp_datum_t limit) {
    add_if(SCMP_ACT_ERRNO(error_code(error)), number, {argument, SCMP_CMP_GT, limit, 0});
  }

  // By default a filter sets no_new_privs, and holds for all threads. Without no_new_privs, loading
  // it needs CAP_SYS_ADMIN.
  void leave_no_new_privs_alone() { set(SCMP_FLTATR_CTL_NNP, 0); }

  // From now on, for good. The error is errno.
  std::expected<void, int> load();

 private:
  struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
  };
  static std::uint16_t error_code(int error) { return static_cast<std::uint16_t>(error); }
  void set(scmp_filter_attr attribute, std::uint32_t value);
  void add(std::uint32_t action, const char* name);
  void add_if(std::uint32_t action, int number, const scmp_arg_cmp& condition);
  void note(int result) {
    if (error_ == 0 && result < 0) error_ = -result;
  }

  std::unique_ptr<void, Release> filter_;
  int error_ = 0;
};

}  // namespace upnpd::base
