#include "search_responder.h"

#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "clock.h"

namespace upnpd::announcer {
namespace {

constexpr std::uint16_t kSsdpPort = 1900;
constexpr std::uint32_t kSsdpGroup = 0xeffffffa;  // 239.255.255.250
constexpr int kMulticastTtl = 2;                  // UDA 1.1 section 1.1.2
// As many datagrams are taken in one turn of the loop.
constexpr int kMaxInOneTurn = 64;

union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> bytes;
};

std::minstd_rand::result_type random_seed() {
  std::minstd_rand::result_type seed = 0;
  // A router that has just started may not have gathered randomness; waiting for it is not worth
  // it.
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = static_cast<std::minstd_rand::result_type>(base::boot_now().time_since_epoch().count());
  return seed;
}

sockaddr_in group_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kSsdpPort);
  address.sin_addr.s_addr = htonl(kSsdpGroup);
  return address;
}

Ipv4Address address_of(const in_addr& address) {
  return Ipv4Address::from_host_order(ntohl(address.s_addr));
}

// Where a datagram was sent to, from its IP_PKTINFO.
std::optional<Ipv4Address> destination(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO) continue;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    return address_of(info.ipi_addr);
  }
  return std::nullopt;
}

}  // namespace

SearchResponder::SearchResponder(base::Loop& loop, base::Fd socket, Ipv4Network network,
                                 SsdpIdentity identity)
    : socket_(std::move(socket)),
      network_(network),
      identity_(std::move(identity)),
      random_(random_seed()),
      timer_(loop, [this] { send_due(); }),
      watcher_(loop, socket_.get(), base::Interest::Read, [this] { readable(); }) {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  ::setsockopt(socket_.get(), IPPROTO_IP, IP_MULTICAST_TTL, &kMulticastTtl, sizeof kMulticastTtl);
}

std::optional<SearchResponder::Arrival> SearchResponder::receive() {
  sockaddr_in from{};
  ControlBuffer control{};
  iovec part{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  const auto to = destination(message);
  return Arrival{std::string_view(buffer_.data(), static_cast<std::size_t>(size)), from,
                 to && !to->is_multicast() ? Addressed::Unicast : Addressed::Multicast};
}

void SearchResponder::readable() {
  for (int i = 0; i < kMaxInOneTurn; ++i) {
    const auto arrival = receive();
    if (!arrival) return;
    take(*arrival);
  }
}

bool SearchResponder::may_be_answered(const sockaddr_in& from) const {
  // From port 1900 too: some control points search from it. Should a device get our answer there,
  // it is no search and ends with it.
  return from.sin_port != 0 && network_.contains_host(address_of(from.sin_addr));
}

void SearchResponder::take(const Arrival& arrival) {
  if (!may_be_answered(arrival.from)) return;
  const auto search = parse_search(arrival.datagram);
  if (!search) return;
  std::vector<SearchAnswer> answers = search_answers(*search, identity_);
  const BootTime now = base::boot_now();
  if (answers.empty() || !buckets_.take(address_of(arrival.from.sin_addr), now)) return;
  if (pending_.size() + answers.size() > kMaxPending) return;
  const BootTime when = now + random_delay(*search, arrival.addressed);
  for (SearchAnswer& answer : answers)
    hold({when, arrival.from, std::move(answer)});
  send_due();
}

std::chrono::milliseconds SearchResponder::random_delay(const SsdpSearch& search,
                                                        Addressed addressed) {
  if (addressed == Addressed::Unicast || search.maximum_wait == 0)
    return std::chrono::milliseconds(0);
  std::uniform_int_distribution<std::chrono::milliseconds::rep> delay(0, kMaxAnswerDelay.count());
  return std::chrono::milliseconds(delay(random_));
}

void SearchResponder::hold(Pending pending) {
  const auto after = std::ranges::upper_bound(pending_, pending.when, {}, &Pending::when);
  pending_.insert(after, std::move(pending));
}

void SearchResponder::send_due() {
  const BootTime now = base::boot_now();
  while (!pending_.empty() && pending_.front().when <= now) {
    const Pending& next = pending_.front();
    send(next.to, reply_text(identity_, next.answer, std::time(nullptr)));
    pending_.pop_front();
  }
  if (pending_.empty())
    timer_.stop();
  else
    timer_.start(pending_.front().when - now);
}

void SearchResponder::send(const sockaddr_in& to, std::string_view text) const {
  iovec part{const_cast<char*>(text.data()), text.size()};
  ControlBuffer control{};
  sockaddr_in destination = to;
  msghdr message{};
  message.msg_name = &destination;
  message.msg_namelen = sizeof destination;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  // The interface may have other addresses: answer from the one that LOCATION names.
  in_pktinfo source{};
  source.ipi_spec_dst.s_addr = htonl(network_.address().host_order());
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof source);
  std::memcpy(CMSG_DATA(header), &source, sizeof source);
  // What cannot be sent now is lost, as any datagram may be: clients search again.
  [[maybe_unused]] const auto sent =
      ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void SearchResponder::say_alive() const {
  for (const Notification& each : all_notifications(identity_))
    send(group_address(), alive_text(identity_, each));
}

void SearchResponder::say_byebye() const {
  for (const Notification& each : all_notifications(identity_))
    send(group_address(), byebye_text(each));
}

}  // namespace upnpd::announcer
