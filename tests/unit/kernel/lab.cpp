#include "lab.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <thread>

#include "builders.h"

namespace upnpd::kernel::test {
namespace {

sockaddr_in socket_address(std::string_view literal, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(address(literal).host_order());
  return result;
}

const sockaddr* generic(const sockaddr_in& in) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&in));
}

}  // namespace

std::string output_of(const std::string& command) {
  struct Close {
    void operator()(std::FILE* pipe) const { ::pclose(pipe); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(
      ::popen(("{ " + command + "\n} 2>&1").c_str(), "re"));
  REQUIRE(pipe);
  std::string output;
  std::array<char, 4096> part;
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), pipe.get()))
    output.append(part.data(), size);
  return output;
}

bool has_command(const std::string& name) {
  return !output_of("command -v " + name).empty();
}

TableOrigin make_table(Nat& nat) {
  const auto origin = nat.open();
  REQUIRE(origin);
  const auto held = nat.read_back(kNow);
  REQUIRE(held);
  if (nat.rewrite(RewriteOf::Held, std::nullopt, {}, kNow)) return *origin;
  std::vector<NatChange> changes;
  for (const PortMapping& mapping : held->mappings)
    changes.push_back(AddMapping{mapping});
  const auto made = nat.rewrite(RewriteOf::Nothing, std::nullopt, changes, kNow);
  const std::string why_not = made ? "" : made.error().what;
  INFO(why_not);
  REQUIRE(made);
  return *origin;
}

std::vector<PortMapping> mappings_of(Nat& nat) {
  auto contents = nat.read_back(kNow);
  REQUIRE(contents);
  std::ranges::sort(contents->mappings, {}, &PortMapping::key);
  return std::move(contents->mappings);
}

std::vector<Element> elements_of(const char* set) {
  auto socket = NlSocket::open(NETLINK_NETFILTER);
  REQUIRE(socket);
  auto elements = dump_elements(*socket, set);
  REQUIRE(elements);
  return *std::move(elements);
}

FreshTable::FreshTable() {
  REQUIRE(nat.close());
  REQUIRE(make_table(nat) == TableOrigin::Made);
}
FreshTable::~FreshTable() {
  (void)nat.close();
}

Host::Host() {
  std::thread([this] {
    if (::unshare(CLONE_NEWNET) == 0)
      fd_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  }).join();
  REQUIRE(fd_ >= 0);
}
Host::~Host() {
  ::close(fd_);
}

void Host::run(const std::function<void()>& function) const {
  bool entered = false;
  std::thread([&] {
    entered = ::setns(fd_, CLONE_NEWNET) == 0;
    if (entered) function();
  }).join();
  REQUIRE(entered);
}

std::string Host::output_of(const std::string& command) const {
  std::string output;
  run([&] { output = test::output_of(command); });
  return output;
}

std::string Host::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd_);
}

UdpSocket::UdpSocket(const Host& host, std::string_view literal, std::uint16_t port) {
  host.run([&] { fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
  const sockaddr_in own = socket_address(literal, port);
  REQUIRE(::bind(fd_, generic(own), sizeof own) == 0);
  const timeval patience{.tv_sec = 0, .tv_usec = 500'000};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}
UdpSocket::~UdpSocket() {
  ::close(fd_);
}

void UdpSocket::send(std::string_view literal, std::uint16_t port, std::string_view text) const {
  const sockaddr_in peer = socket_address(literal, port);
  const ssize_t sent = ::sendto(fd_, text.data(), text.size(), 0, generic(peer), sizeof peer);
  CHECK(sent == static_cast<ssize_t>(text.size()));
}

std::optional<UdpSocket::Datagram> UdpSocket::receive() const {
  std::array<char, 2048> text;
  sockaddr_in from{};
  socklen_t size = sizeof from;
  const ssize_t received = ::recvfrom(fd_, text.data(), text.size(), 0,
                                      static_cast<sockaddr*>(static_cast<void*>(&from)), &size);
  if (received < 0) return std::nullopt;
  return Datagram{std::string(text.data(), static_cast<std::size_t>(received)),
                  Ipv4Address::from_host_order(ntohl(from.sin_addr.s_addr)).to_string(),
                  ntohs(from.sin_port)};
}

}  // namespace upnpd::kernel::test
