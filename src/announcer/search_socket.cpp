#include "search_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace upnpd::announcer {
namespace {

constexpr int kMulticastHops = 2;  // UDA 1.1 section 1.1.2

union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> bytes;
};
static_assert(sizeof(in6_pktinfo) >= sizeof(in_pktinfo));

void set(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

// Whether a datagram was sent to a group, from its packet information.
bool was_multicast(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
    }
    if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      return IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
    }
  }
  return true;
}

// Lengths in messages are of size_t in glibc and of socklen_t in musl.
using ControlLength = decltype(msghdr::msg_controllen);

// Puts packet information that names a source into `control`; its length.
ControlLength put_source(ControlBuffer& control, const IpAddress& source) {
  in_pktinfo ipv4{};
  in6_pktinfo ipv6{};
  const bool is_ipv4 = std::holds_alternative<Ipv4Address>(source);
  if (is_ipv4)
    ipv4.ipi_spec_dst.s_addr = htonl(std::get<Ipv4Address>(source).host_order());
  else
    std::memcpy(&ipv6.ipi6_addr, std::get<Ipv6Address>(source).bytes().data(),
                sizeof ipv6.ipi6_addr);
  const std::size_t size = is_ipv4 ? sizeof ipv4 : sizeof ipv6;
  control.header.cmsg_level = is_ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  control.header.cmsg_type = is_ipv4 ? IP_PKTINFO : IPV6_PKTINFO;
  control.header.cmsg_len = static_cast<ControlLength>(CMSG_LEN(size));
  std::memcpy(CMSG_DATA(&control.header), is_ipv4 ? static_cast<const void*>(&ipv4) : &ipv6, size);
  return static_cast<ControlLength>(CMSG_SPACE(size));
}

}  // namespace

SearchSocket::SearchSocket(base::Fd fd) : fd_(std::move(fd)) {
  // Each call fails on a socket of the other family.
  set(fd_.get(), IPPROTO_IP, IP_PKTINFO, 1);
  set(fd_.get(), IPPROTO_IP, IP_MULTICAST_TTL, kMulticastHops);
  set(fd_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  set(fd_.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kMulticastHops);
}

std::optional<SearchSocket::Datagram> SearchSocket::receive() {
  base::SocketAddress from;
  ControlBuffer control{};
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_name = from.get();
  message.msg_namelen = from.length();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  return Datagram{std::string_view(buffer_.data(), static_cast<std::size_t>(size)), from,
                  was_multicast(message)};
}

void SearchSocket::send(const base::SocketAddress& to, const IpAddress& source,
                        std::string_view text) const {
  iovec part{const_cast<char*>(text.data()), text.size()};
  ControlBuffer control{};
  base::SocketAddress destination = to;
  msghdr message{};
  message.msg_name = destination.get();
  message.msg_namelen = destination.length();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = put_source(control, source);
  [[maybe_unused]] const auto sent = ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace upnpd::announcer
