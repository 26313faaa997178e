// The requests the gateway has been asked and has not answered yet. Each gets exactly one answer:
// the gateway's, or, when none comes in time, a refusal; unless it is forgotten before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "upnpd/messages.h"

namespace upnpd::igd {

class PendingRequests {
 public:
  using Send = std::function<void(const ServiceRequest&)>;
  using Answer = std::function<void(const Reply&)>;
  static constexpr std::chrono::seconds kPatience{10};

  // `send` hands a request to the gateway.
  explicit PendingRequests(Send send) : send_(std::move(send)) {}

  // Sends `request` under a new id, which is returned; `answer` is called once, later.
  std::uint64_t ask(ServiceRequest request, Answer answer, BootTime now);
  // Hands `reply` to who asked; one that nobody waits for is dropped.
  void resolve(const Reply& reply);
  // Nobody waits for `id` any more. An unknown id is no error.
  void forget(std::uint64_t id) { waiting_.erase(id); }

  // Answers with ActionFailed what has waited for kPatience.
  void expire(BootTime now);
  // When expire() has something to do next; no value when nothing waits.
  std::optional<BootTime> next_deadline() const;

 private:
  struct Waiting {
    Answer answer;
    BootTime deadline;
  };
  Send send_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;  // in the order of their deadlines
};

}  // namespace upnpd::igd
