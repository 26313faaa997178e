#include "closed_loop.h"

#include <poll.h>

#include <algorithm>

#include "http_connection.h"
#include "options.h"

namespace upnpd::bench {
namespace {

// A gateway that says nothing for this long is given up.
constexpr int kSilenceMs = 30'000;

std::string error_code(const HttpAnswer& answer) {
  constexpr std::string_view kTag = "<errorCode>";
  const std::size_t at = answer.body.find(kTag);
  if (at == std::string_view::npos) return "HTTP " + std::to_string(answer.status);
  const std::size_t start = at + kTag.size();
  return std::string(answer.body.substr(start, answer.body.find('<', start) - start));
}

class ClosedLoop {
 public:
  ClosedLoop(const Gateway& gateway, const SoapRequests& requests, const Load& load);
  Result run();

 private:
  struct Client {
    HttpConnection connection;
    unsigned number;
    std::string address;
    unsigned sent = 0;
    Clock::time_point begun{};
    bool is_busy = false;
  };

  void begin_next(Client& client);
  void advance(Client& client);
  void note_answer(Client& client);
  bool wait();

  const SoapRequests& requests_;
  const Load& load_;
  std::vector<Client> clients_;
  std::vector<pollfd> waiting_;  // one for each client
  Clock::time_point end_{};
  bool ended_ = false;
  Result result_;
};

ClosedLoop::ClosedLoop(const Gateway& gateway, const SoapRequests& requests, const Load& load)
    : requests_(requests), load_(load), waiting_(load.connections) {
  for (unsigned i = 0; i < load.connections; ++i) {
    const std::string& address = load.clients[i % load.clients.size()];
    clients_.push_back(
        {HttpConnection(gateway.address, address_of(address), load.keep_alive), i, address});
  }
}

void ClosedLoop::begin_next(Client& client) {
  // Each has its share of the indexes, so that a later run's clients find what is their own.
  const unsigned index = client.sent * load_.connections + client.number;
  client.is_busy = !ended_ && index < load_.requests && Clock::now() < end_;
  if (!client.is_busy) return;
  ++client.sent;
  client.begun = Clock::now();
  if (!client.connection.begin(requests_.make(index, client.address)))
    fail_with_errno("a connection cannot be made");
}

void ClosedLoop::advance(Client& client) {
  switch (client.connection.advance()) {
    case Progress::Waiting: return;
    case Progress::Answered: note_answer(client); break;
    case Progress::Broken: ++result_.faults["connection broken"]; break;
  }
  begin_next(client);
}

void ClosedLoop::note_answer(Client& client) {
  const bool is_delete = requests_.are_pairs() && client.sent % 2 == 0;
  (is_delete ? result_.deletes : result_.answers).add(Clock::now() - client.begun);
  const HttpAnswer answer = client.connection.answer();
  result_.largest_answer = std::max(result_.largest_answer, answer.body.size());
  if (answer.status == 200) return;
  ended_ = load_.until_fault;
  ++result_.faults[error_code(answer)];
}

// Whether any client still waits for its answer, and now can go on.
bool ClosedLoop::wait() {
  bool is_any_busy = false;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const Client& client = clients_[i];
    const int events = client.connection.wants_to_write() ? POLLOUT : POLLIN;
    waiting_[i] = {client.is_busy ? client.connection.fd() : -1, static_cast<short>(events), 0};
    is_any_busy |= client.is_busy;
  }
  if (!is_any_busy) return false;
  if (::poll(waiting_.data(), waiting_.size(), kSilenceMs) > 0) return true;
  ++result_.faults["no answer"];
  return false;
}

Result ClosedLoop::run() {
  const auto start = Clock::now();
  end_ = start + load_.time;
  for (Client& client : clients_)
    begin_next(client);
  while (wait())
    for (std::size_t i = 0; i < clients_.size(); ++i)
      if (waiting_[i].revents != 0) advance(clients_[i]);
  result_.elapsed = Clock::now() - start;
  return std::move(result_);
}

}  // namespace

Result run(const Gateway& gateway, const SoapRequests& requests, const Load& load) {
  return ClosedLoop(gateway, requests, load).run();
}

}  // namespace upnpd::bench
