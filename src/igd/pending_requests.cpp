#include "pending_requests.h"

#include <utility>

namespace upnpd::igd {

std::uint64_t PendingRequests::ask(ServiceRequest request, Answer answer, BootTime now) {
  const std::uint64_t id = ++last_id_;
  std::visit([id](auto& message) { message.head.id = id; }, request);
  waiting_.emplace(id, Waiting{std::move(answer), now + kPatience});
  send_(request);
  return id;
}

void PendingRequests::resolve(const Reply& reply) {
  // Taken out first: the answer's function may ask again.
  auto waiting =
      waiting_.extract(std::visit([](const auto& message) { return message.id; }, reply));
  if (!waiting.empty()) waiting.mapped().answer(reply);
}

void PendingRequests::expire(BootTime now) {
  while (!waiting_.empty() && waiting_.begin()->second.deadline <= now)
    resolve(Refused{waiting_.begin()->first, UpnpError::ActionFailed});
}

std::optional<BootTime> PendingRequests::next_deadline() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->second.deadline;
}

}  // namespace upnpd::igd
