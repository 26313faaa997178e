// libupnp's part: it registers both descriptions, takes subscriptions and delivers events. There is
// one libupnp in a process, so one EventPublisher; libupnp's threads call it, and it lives until
// the process ends.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>

#include "evented_variables.h"
#include "loop.h"
#include "ssdp_messages.h"

namespace upnpd::announcer {

class EventPublisher {
 public:
  // `uuid` is the root device's.
  EventPublisher(base::Loop& loop, std::string uuid);
  EventPublisher(const EventPublisher&) = delete;
  EventPublisher& operator=(const EventPublisher&) = delete;

  // Starts libupnp on `interface`, which must be up and have an IPv4 address: its threads, and its
  // listener for subscriptions on `preferred_port` (0 = any) or, where that is taken, another. The
  // port, or libupnp's error in words.
  std::expected<std::uint16_t, std::string> start(const std::string& interface,
                                                  std::uint16_t preferred_port);

  // Fetches and registers both descriptions; blocks until they are there. From then on
  // subscriptions are taken.
  std::expected<void, std::string> register_documents(const SsdpIdentity& identity);

  // Sends subscribers what has changed, the two counters at most once in kModeration.
  void update(const StateVariables& state);

 private:
  // What libupnp hands back with each call: whose description it is about.
  struct Registration {
    EventPublisher* publisher;
    Document document;
    int handle = -1;
  };
  template <class EventType, class EventData>
  static int called(EventType type, EventData* data, void* cookie);
  void accept_subscription(const Registration& registration, const char* service_id,
                           const char* sid);
  std::expected<void, std::string> register_document(Registration& registration,
                                                     const std::string& url);
  void send(const std::vector<Event>& events);
  void send_due();
  void send_reminder();
  void start_timer();

  const std::string uuid_;
  std::array<Registration, 2> registrations_;
  // Held while libupnp is told values, so that no subscriber's first event is older than one it
  // missed. libupnp calls back without a lock of its own.
  std::mutex mutex_;
  EventModerator moderator_;
  base::Timer moderation_timer_;
  base::Timer reminder_timer_;
};

}  // namespace upnpd::announcer
