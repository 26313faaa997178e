// The evented state variables of each service as text, and which of them have to be told when. A
// client that adds mappings quickly changes the two counters hundreds of times a second; they are
// told at most once in kModeration, and their last value always is. Pure: the time is handed in.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "ssdp_messages.h"
#include "upnpd/messages.h"

namespace upnpd::announcer {

// Most often a moderated variable is told (UDA 1.1 section 4.3: "moderated").
inline constexpr std::chrono::milliseconds kModeration{200};

struct EventedVariable {
  std::string_view name;
  std::string value;
  bool moderated;
  friend bool operator==(const EventedVariable&, const EventedVariable&) = default;
};

// All evented variables of a service, named by its service id ("WANIPConn1"), in one of the
// descriptions: what an initial event carries. `uuid` is the root device's. Empty for a service
// that is not ours.
std::vector<EventedVariable> evented_variables(Document document, std::string_view service_id,
                                               const StateVariables& state, std::string_view uuid);

// Changed variables of one service: one event.
struct Event {
  Document document;
  std::string_view service_id;
  std::vector<EventedVariable> variables;
};

class EventModerator {
 public:
  // `state` is what subscribers are told first.
  EventModerator(std::string uuid, StateVariables state);

  const StateVariables& state() const { return state_; }

  // Takes the new state; the events to send now.
  std::vector<Event> update(const StateVariables& state, BootTime now);
  // The events that were held back and are due.
  std::vector<Event> due(BootTime now);
  // How long from `now` until some are due; no value when none are held back.
  std::optional<std::chrono::milliseconds> wait(BootTime now) const;

  // One variable of each service as it is: notifying of it makes libupnp forget the subscriptions
  // that have expired.
  std::vector<Event> reminder() const;

 private:
  using Key = std::tuple<Document, std::string_view, std::string_view>;
  bool may_tell_moderated(BootTime now) const;

  std::string uuid_;
  StateVariables state_;
  std::map<Key, std::string> told_;
  std::optional<BootTime> moderated_told_;  // when a moderated variable was last told
  bool held_back_ = false;
};

}  // namespace upnpd::announcer
