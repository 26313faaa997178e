// A request to the kernel while it is made. Its room is zero: libmnl leaves the padding behind a
// value as it is, and the kernel is sent that too.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace upnpd::kernel {

class NlRequest {
 public:
  // `flags` besides NLM_F_REQUEST.
  NlRequest(int type, int flags) : header_(*mnl_nlmsg_put_header(room_.data())) {
    header_.nlmsg_type = static_cast<std::uint16_t>(type);
    header_.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  }
  NlRequest(const NlRequest&) = delete;
  NlRequest& operator=(const NlRequest&) = delete;

  // The header of the message's family, ifinfomsg for example, which comes before attributes.
  template <class Head>
  Head& put_head() {
    return *static_cast<Head*>(mnl_nlmsg_put_extra_header(&header_, sizeof(Head)));
  }

  // Attributes are put behind it: mnl_attr_put...(&header(), ...).
  nlmsghdr& header() { return header_; }

 private:
  alignas(nlmsghdr) std::array<char, 1024> room_{};
  nlmsghdr& header_;
};

// One to a subsystem of netfilter (NFNL_SUBSYS_...), about what is of `family`.
class NetfilterRequest : public NlRequest {
 public:
  NetfilterRequest(int subsystem, int type, int flags, int family)
      : NlRequest(subsystem << 8 | type, flags) {
    auto& head = put_head<nfgenmsg>();
    head.nfgen_family = static_cast<std::uint8_t>(family);
    head.version = NFNETLINK_V0;
  }
};

}  // namespace upnpd::kernel
