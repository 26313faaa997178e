// The life of a request inside the gateway: all that came together is decided together, committed
// in one transaction, answered, and then journalled, logged and evented. If the kernel refuses the
// lot, each request is tried alone and gets its own answer.
#include <algorithm>

#include "clock.h"
#include "gateway.h"
#include "log.h"
#include "overloaded.h"

namespace upnpd::gateway {
void Gateway::on_service_frames(const std::vector<wire::Frame>& frames) {
  std::vector<ServiceRequest> requests;
  for (const wire::Frame& frame : frames) {
    auto message = wire::decode<FromService>(frame.bytes);
    if (!message) {
      service_.kill(std::string("it sent a frame of ") + to_string(message.error()));
      break;
    }
    std::visit(base::Overloaded{[&](LanServed& served) {
                                  if (LanSide* const l = lan(served.lan)) l->on_served(served);
                                },
                                [this](Pong&) { service_.on_pong(); },
                                [&](auto& request) { requests.emplace_back(std::move(request)); }},
               *message);
  }
  if (stopping_) return;
  core::Neighbours known = prepare_neighbours(requests);
  hosts_.meet(requests, known);
  store_.mapper().set_neighbours(std::move(known));
  if (!requests.empty()) serve_batch(requests);
}

void Gateway::look_for_ports_in_use(const std::vector<ServiceRequest>& requests, BootTime now) {
  const bool adds = std::ranges::any_of(requests, [](const ServiceRequest& request) {
    return std::holds_alternative<AddPortMapping>(request) ||
           std::holds_alternative<AddAnyPortMapping>(request);
  });
  if (!adds) return;
  const std::string fault_before = resources_.ports_in_use.fault();
  store_.mapper().set_ports_in_use(resources_.ports_in_use.read(networks_.wan_names(), now));
  const std::string& fault = resources_.ports_in_use.fault();
  if (!fault.empty() && fault != fault_before) base::log_warning(fault);
}

void Gateway::serve_batch(const std::vector<ServiceRequest>& requests) {
  store_.end_leases();
  const BootTime now = base::boot_now();
  look_for_ports_in_use(requests, now);
  std::vector<core::Outcome> outcomes;
  core::Outcome all;
  for (const ServiceRequest& request : requests) {
    core::Outcome& outcome = outcomes.emplace_back(store_.mapper().handle(request, now));
    std::ranges::move(outcome.changes, std::back_inserter(all.changes));
    std::ranges::move(outcome.events, std::back_inserter(all.events));
    std::ranges::move(outcome.pinhole_events, std::back_inserter(all.pinhole_events));
  }
  if (!store_.make_true(all, now)) {
    for (std::size_t i = 0; i < requests.size(); ++i)
      serve_alone(requests[i], outcomes[i], now);
    return;
  }
  for (std::size_t i = 0; i < requests.size(); ++i)
    hold_reply(requests[i], outcomes[i]);
  service_.flush();
  store_.follow_up(all, now);
}

void Gateway::serve_alone(const ServiceRequest& request, const core::Outcome& together,
                          BootTime now) {
  core::Outcome outcome = store_.mapper().handle_again(request, together, now);
  if (!store_.carry_out(outcome, now)) {
    outcome.reply = Refused{head_of(request).id, UpnpError::ActionFailed};
    outcome.reason = store_.kernel_fault();
  }
  hold_reply(request, outcome);
  service_.flush();
}

void Gateway::hold_reply(const ServiceRequest& request, const core::Outcome& outcome) {
  if (outcome.has_events()) on_entries_changed();
  const auto* const generic = std::get_if<GetGenericPortMappingEntry>(&request);
  sent_following_ = sent_following_ || (generic != nullptr && generic->following != 0);
  std::visit([this](const auto& reply) { service_.hold(reply); }, reply_to(request, outcome));
}

void Gateway::on_entries_changed() {
  if (std::exchange(sent_following_, false)) service_.send(EntriesChanged{});
}

Reply Gateway::reply_to(const ServiceRequest& request, const core::Outcome& outcome) {
  const RequestHead& head = head_of(request);
  if (outcome.reason) {
    const auto* const refused = std::get_if<Refused>(&*outcome.reply);
    const bool end_of_list =
        refused != nullptr && refused->error == UpnpError::SpecifiedArrayIndexInvalid;
    const std::string caller = to_string(head.caller);
    const std::string line = "refused " + caller + " with " +
                             std::to_string(refused == nullptr ? 0 : code_of(refused->error)) +
                             ": " + *outcome.reason;
    if (end_of_list)
      base::log_debug(line);
    else
      refusals_.log(base::LogLevel::Notice, caller, line);
  }
  return outcome.reply ? *outcome.reply : reply_from_kernel(request);
}

}  // namespace upnpd::gateway
