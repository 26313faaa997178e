#include "event_publisher.h"

#include <upnp/upnp.h>
#include <upnp/upnptools.h>

#include <utility>

#include "clock.h"
#include "lan_guard.h"
#include "libupnp_sockets.h"
#include "log.h"
#include "subscription_quota.h"
#include "upnpd/device_tree.h"

namespace upnpd::announcer {
namespace {

constexpr std::string_view kServiceIdPrefix = "urn:upnp-org:serviceId:";
constexpr int kMaxSubscriptions = 96;          // of one service in one description
constexpr int kMaxSubscriptionSeconds = 1800;  // UDA 1.1 section 4.1.2: at least that
// One host's can never be all there are.
static_assert(SubscriptionQuota::kOfHost +
                  std::chrono::seconds(kMaxSubscriptionSeconds) / SubscriptionQuota::kPause <
              kMaxSubscriptions);
// libupnp forgets an expired subscription when it next notifies; until then it counts.
constexpr std::chrono::minutes kReminder{10};

std::string error_text(std::string_view call, int code) {
  // It talks to itself.
  const bool without_lo = code == UPNP_E_SOCKET_BIND || code == UPNP_E_SOCKET_CONNECT;
  return std::string(call) + ": " + ::UpnpGetErrorMessage(code) +
         (without_lo ? "; libupnp needs the interface lo (ip link set lo up)" : "");
}

// Variables as libupnp takes them; valid while they are.
struct Arrays {
  explicit Arrays(const std::vector<EventedVariable>& variables) {
    for (const EventedVariable& each : variables) {
      names.push_back(each.name.data());  // from literals, so terminated
      values.push_back(each.value.c_str());
    }
  }
  int count() const { return static_cast<int>(names.size()); }
  std::vector<const char*> names;
  std::vector<const char*> values;
};

// The UDN of the device that has `service_id`.
std::string udn_of(std::string_view uuid, std::string_view service_id) {
  for (const AnnouncedType& type : kAnnouncedTypes)
    if (type.service_id == service_id) return "uuid:" + device_uuid(uuid, type.level);
  return {};
}

}  // namespace

EventPublisher::EventPublisher(base::Loop& loop, std::string uuid)
    : uuid_(std::move(uuid)),
      registrations_{{{this, Document::Igd1}, {this, Document::Igd2}}},
      moderator_(uuid_, StateVariables{}),
      moderation_timer_(loop, [this] { send_due(); }),
      reminder_timer_(loop, [this] { send_reminder(); }) {}

std::expected<std::uint16_t, std::string> EventPublisher::start(const std::string& interface,
                                                                std::uint16_t preferred_port) {
  const int result = ::UpnpInit2(interface.c_str(), preferred_port);
  if (result != UPNP_E_SUCCESS) return std::unexpected(error_text("UpnpInit2", result));
  // GET is the igd service's; what remains of libupnp's server is GENA.
  ::UpnpEnableWebserver(0);
  ::UpnpSetMaxContentLength(Connections::kMaxBytes);
  return ::UpnpGetServerPort();
}

// A template, since libupnp's releases declare the callback with differing parameters.
template <class EventType, class EventData>
int EventPublisher::called(EventType type, EventData* data, void* cookie) {
  // A request for control is left without a result: libupnp answers it with a fault.
  if (type != UPNP_EVENT_SUBSCRIPTION_REQUEST) return 0;
  const auto* const request = static_cast<const UpnpSubscriptionRequest*>(data);
  const auto* const registration = static_cast<const Registration*>(cookie);
  registration->publisher->accept_subscription(
      *registration, ::UpnpSubscriptionRequest_get_ServiceId_cstr(request),
      ::UpnpSubscriptionRequest_get_SID_cstr(request));
  return 0;
}

void EventPublisher::accept_subscription(const Registration& registration, const char* service_id,
                                         const char* sid) {
  std::string_view name(service_id);
  if (!name.starts_with(kServiceIdPrefix)) return;
  name.remove_prefix(kServiceIdPrefix.size());
  const std::lock_guard lock(mutex_);
  const auto variables = evented_variables(registration.document, name, moderator_.state(), uuid_);
  Arrays arrays(variables);
  const int result =
      ::UpnpAcceptSubscription(registration.handle, udn_of(uuid_, name).c_str(), service_id,
                               arrays.names.data(), arrays.values.data(), arrays.count(), sid);
  if (result != UPNP_E_SUCCESS) base::log_warning(error_text("UpnpAcceptSubscription", result));
}

std::expected<void, std::string> EventPublisher::register_document(Registration& registration,
                                                                   const std::string& url) {
  const DescriptionDownload download;
  const int result =
      ::UpnpRegisterRootDevice(url.c_str(), &called, &registration, &registration.handle);
  if (result != UPNP_E_SUCCESS)
    return std::unexpected(error_text("UpnpRegisterRootDevice", result));
  ::UpnpSetMaxSubscriptions(registration.handle, kMaxSubscriptions);
  ::UpnpSetMaxSubscriptionTimeOut(registration.handle, kMaxSubscriptionSeconds);
  return {};
}

std::expected<void, std::string> EventPublisher::register_documents(const SsdpIdentity& identity) {
  if (auto result = register_document(registrations_[0], identity.igd1_location); !result)
    return result;
  if (auto result = register_document(registrations_[1], identity.igd2_location); !result)
    return result;
  reminder_timer_.start(kReminder);
  return {};
}

void EventPublisher::update(const StateVariables& state) {
  const std::lock_guard lock(mutex_);
  send(moderator_.update(state, base::boot_now()));
  start_timer();
}

void EventPublisher::send_due() {
  const std::lock_guard lock(mutex_);
  send(moderator_.due(base::boot_now()));
  start_timer();
}

void EventPublisher::send_reminder() {
  const std::lock_guard lock(mutex_);
  send(moderator_.reminder());
  reminder_timer_.start(kReminder);
}

void EventPublisher::start_timer() {
  if (const auto wait = moderator_.wait(base::boot_now())) moderation_timer_.start(*wait);
}

void EventPublisher::send(const std::vector<Event>& events) {
  for (const Event& event : events) {
    const Registration& registration = registrations_[event.document == Document::Igd1 ? 0 : 1];
    if (registration.handle < 0) continue;
    const std::string service_id = std::string(kServiceIdPrefix) + std::string(event.service_id);
    Arrays arrays(event.variables);
    const int result =
        ::UpnpNotify(registration.handle, udn_of(uuid_, event.service_id).c_str(),
                     service_id.c_str(), arrays.names.data(), arrays.values.data(), arrays.count());
    if (result != UPNP_E_SUCCESS) base::log_warning(error_text("UpnpNotify", result));
  }
}

}  // namespace upnpd::announcer
