#include "search_responder.h"

#include <sys/random.h>

#include <algorithm>
#include <ctime>

#include "clock.h"
#include "neighbour_state.h"

namespace upnpd::announcer {
namespace {

constexpr std::uint16_t kSsdpPort = 1900;
// As many datagrams are taken in one turn of the loop.
constexpr int kMaxInOneTurn = 64;

std::minstd_rand::result_type random_seed() {
  std::minstd_rand::result_type seed = 0;
  // A router that has just started may not have gathered randomness; waiting for it is not worth
  // it.
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = static_cast<std::minstd_rand::result_type>(base::boot_now().time_since_epoch().count());
  return seed;
}

}  // namespace

SearchResponder::SearchResponder(base::Loop& loop, base::Fd socket, std::vector<SsdpSite> sites)
    : socket_(std::move(socket)),
      sites_(std::move(sites)),
      random_(random_seed()),
      timer_(loop, [this] { send_due(); }),
      look_timer_(loop, [this] { look_who_was_reached(); }),
      watcher_(loop, socket_.fd(), base::Interest::Read, [this] { readable(); }) {}

void SearchResponder::readable() {
  for (int i = 0; i < kMaxInOneTurn; ++i) {
    const auto datagram = socket_.receive();
    if (!datagram) return;
    take(*datagram);
  }
}

void SearchResponder::take(const SearchSocket::Datagram& datagram) {
  const auto host = datagram.from.address();
  const SsdpSite* const site = host ? site_towards(*host, sites_) : nullptr;
  // From port 1900 too: some control points search from it. Should a device get our answer there,
  // it is no search and ends with it.
  if (site == nullptr || datagram.from.port() == 0) return;
  const auto search = parse_search(datagram.text);
  if (!search) return;
  std::vector<SearchAnswer> answers = search_answers(*search, site->identity);
  const BootTime now = base::boot_now();
  if (answers.empty() || !buckets_.take(*host, now)) return;
  answers.erase(answers.begin() + std::ptrdiff_t(affordable(*host, answers.size(), now)),
                answers.end());
  if (pending_.size() + answers.size() > kMaxPending) return;
  const BootTime when = now + random_delay(*search, datagram.is_multicast);
  for (SearchAnswer& answer : answers)
    hold({when, datagram.from, site, std::move(answer)});
  send_due();
}

std::size_t SearchResponder::affordable(const IpAddress& to, std::size_t count, BootTime now) {
  if (is_there(to, now)) return count;
  constexpr auto together = Ipv4Address::from_host_order(0);
  std::size_t paid = 0;
  while (paid < count && unknown_hosts_.take(together, now))
    ++paid;
  return paid;
}

bool SearchResponder::is_there(const IpAddress& host, BootTime now) {
  if (const auto* const ipv4 = std::get_if<Ipv4Address>(&host))
    return hardware_address(socket_.fd(), *ipv4).has_value();
  return reached_hosts_.has(host, now);
}

void SearchResponder::look_who_was_reached() {
  if (const auto again = reached_hosts_.look(has_unsent(socket_.fd()), base::boot_now()))
    look_timer_.start(*again);
}

std::chrono::milliseconds SearchResponder::random_delay(const SsdpSearch& search,
                                                        bool is_multicast) {
  if (!is_multicast || search.maximum_wait == 0) return std::chrono::milliseconds(0);
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
    send(pending_.front(), now);
    pending_.pop_front();
  }
  if (pending_.empty())
    timer_.stop();
  else
    timer_.start(pending_.front().when - now);
}

void SearchResponder::send(const Pending& answer, BootTime now) {
  socket_.send(answer.to, address_of(answer.site->network),
               reply_text(answer.site->identity, answer.answer, std::time(nullptr)));
  const auto to = answer.to.address();
  if (!to || std::holds_alternative<Ipv4Address>(*to) || reached_hosts_.has(*to, now)) return;
  reached_hosts_.sent(*to, now);
  if (!look_timer_.is_running()) look_timer_.start(ReachedHosts::kSoon);
}

template <class Text>
void SearchResponder::notify_all(const Text& text) const {
  for (const SsdpGroup& group : groups_of(sites_))
    for (const Notification& each : all_notifications(group.site->identity))
      socket_.send(base::SocketAddress(group.address, kSsdpPort), address_of(group.site->network),
                   text(group, each));
}

void SearchResponder::say_alive() const {
  notify_all([](const SsdpGroup& group, const Notification& each) {
    return alive_text(group.site->identity, each, group.address);
  });
}

void SearchResponder::say_byebye() const {
  notify_all([](const SsdpGroup& group, const Notification& each) {
    return byebye_text(group.site->identity, each, group.address);
  });
}

}  // namespace upnpd::announcer
