#include "neighbour_watch.h"

#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace upnpd::kernel {
namespace {

// Offsets into a message of a neighbour.
constexpr std::uint32_t kFamilyAt = NLMSG_HDRLEN + offsetof(ndmsg, ndm_family);
constexpr std::uint32_t kAttributesAt = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(ndmsg));
// The filter's own memory.
constexpr std::uint32_t kAddress = 0, kMacHead = 1, kMacTail = 2;
constexpr std::uint32_t kPass = 0xffffffff, kDrop = 0;

using Program = std::vector<sock_filter>;

void add(Program& program, std::uint16_t code, std::uint32_t k, std::uint8_t if_true = 0,
         std::uint8_t if_false = 0) {
  program.push_back({code, if_true, if_false, k});
}

// The index register points to the attribute of this type; a message without it is dropped.
void find_attribute(Program& program, std::uint32_t type) {
  add(program, BPF_LDX | BPF_W | BPF_IMM, type);
  add(program, BPF_LD | BPF_W | BPF_IMM, kAttributesAt);
  add(program, BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR));
  add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
  add(program, BPF_RET | BPF_K, kDrop);
  add(program, BPF_MISC | BPF_TAX, 0);
}

// Copies what lies `offset` behind the start of the attribute into the filter's memory.
void keep(Program& program, std::uint16_t size, std::uint32_t offset, std::uint32_t place) {
  add(program, static_cast<std::uint16_t>(BPF_LD | size | BPF_IND), offset);
  add(program, BPF_ST, place);
}

// The accumulator has the address. Another one goes on behind this, the same host's message is
// dropped, another's passes.
void compare(Program& program, const WatchedHost& host) {
  const MacAddress& mac = host.mac;
  const auto number = [&](std::size_t first, std::size_t last) {
    std::uint32_t value = 0;
    for (std::size_t i = first; i <= last; ++i)
      value = value << 8 | mac[i];
    return value;
  };
  add(program, BPF_JMP | BPF_JEQ | BPF_K, host.address.host_order(), 0, 6);
  add(program, BPF_LD | BPF_W | BPF_MEM, kMacHead);
  add(program, BPF_JMP | BPF_JEQ | BPF_K, number(0, 3), 0, 2);
  add(program, BPF_LD | BPF_W | BPF_MEM, kMacTail);
  add(program, BPF_JMP | BPF_JEQ | BPF_K, number(4, 5), 1, 0);
  add(program, BPF_RET | BPF_K, kPass);
  add(program, BPF_RET | BPF_K, kDrop);
}

// NLA_HDRLEN, which is a number with a sign.
constexpr std::uint32_t kAttributeHeader = sizeof(nlattr);

// Loads take big-endian numbers, as addresses are written.
Program program_for(std::span<const WatchedHost> hosts) {
  Program program;
  add(program, BPF_LD | BPF_B | BPF_ABS, kFamilyAt);
  add(program, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
  add(program, BPF_RET | BPF_K, kDrop);
  find_attribute(program, NDA_DST);
  keep(program, BPF_W, kAttributeHeader, kAddress);
  find_attribute(program, NDA_LLADDR);
  keep(program, BPF_W, kAttributeHeader, kMacHead);
  keep(program, BPF_H, kAttributeHeader + 4, kMacTail);
  add(program, BPF_LD | BPF_W | BPF_MEM, kAddress);
  for (const WatchedHost& host : hosts)
    compare(program, host);
  add(program, BPF_RET | BPF_K, kDrop);
  return program;
}

}  // namespace

std::expected<NeighbourWatch, NetlinkError> NeighbourWatch::open() {
  auto events = NlSocket::open(NETLINK_ROUTE, RTMGRP_NEIGH);
  if (!events) return std::unexpected(events.error());
  NeighbourWatch watch(*std::move(events));
  if (auto done = watch.watch({}); !done) return std::unexpected(done.error());
  return watch;
}

std::expected<void, NetlinkError> NeighbourWatch::watch(std::span<const WatchedHost> hosts) {
  for (std::size_t count = std::min(hosts.size(), kMaxHosts);; count /= 2) {
    Program program = program_for(hosts.first(count));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::setsockopt(fd(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
    if (errno != ENOMEM || count == 0)
      return std::unexpected(NetlinkError{errno, "filtering what is said of neighbours"});
  }
}

std::expected<std::vector<Ipv4Address>, NetlinkError> NeighbourWatch::drain() {
  std::vector<Ipv4Address> changed;
  const auto received = events_.receive_waiting([&](const nlmsghdr& message) {
    const auto neighbour = parse_neighbour(
        {static_cast<const std::byte*>(static_cast<const void*>(&message)), message.nlmsg_len});
    if (!neighbour) return;
    if (const auto* const address = std::get_if<Ipv4Address>(&neighbour->address))
      changed.push_back(*address);
  });
  if (!received) return std::unexpected(received.error());
  return changed;
}

}  // namespace upnpd::kernel
