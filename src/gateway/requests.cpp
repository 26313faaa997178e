// The life of a request inside the gateway: all that came together is decided together, committed
// in one transaction, journalled, and answered. If the kernel refuses the lot, each request is
// tried alone and gets its own answer.
#include <algorithm>

#include "clock.h"
#include "gateway.h"
#include "log.h"

namespace upnpd::gateway {
namespace {

using namespace std::chrono_literals;
// The kernel rounds an element's timeout up to its own tick, at most 10 ms.
constexpr auto kKernelTick = 20ms;
constexpr auto kSyncPause = 1s;
// How long the flows of a mapping that is gone may wait: many deletions share one look through all
// flows, and a mapping may be back at once.
constexpr auto kFlowPause = 50ms;

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

const char* word(core::MappingEvent::Kind kind) {
  using enum core::MappingEvent::Kind;
  switch (kind) {
    case Added: return "added";
    case Replaced: return "renewed";
    case Deleted: return "deleted";
    case Expired: return "expired";
  }
  return "";
}

std::string line_for(const core::MappingEvent& event, BootTime now) {
  const PortMapping& m = event.mapping;
  std::string line = std::string("mapping ") + std::to_string(m.id) + " " + word(event.kind) +
                     ": " + to_string(m.key) + " -> " + m.client.address().to_string() + ":" +
                     std::to_string(m.internal_port.number());
  using enum core::MappingEvent::Kind;
  if (event.kind == Added || event.kind == Replaced)
    line += m.expires ? ", " + std::to_string(remaining_seconds(m, now)) + " s" : ", permanent";
  return line + ", \"" + base::printable(m.description.text()) + "\"";
}

const char* word(core::PinholeEvent::Kind kind) {
  using enum core::PinholeEvent::Kind;
  switch (kind) {
    case Added: return "added";
    case Renewed: return "renewed";
    case Deleted: return "deleted";
    case Expired: return "expired";
  }
  return "";
}

std::string line_for(const core::PinholeEvent& event, BootTime now) {
  const Pinhole& pinhole = event.pinhole;
  std::string line = "pinhole " + std::to_string(pinhole.id.number()) + " " + word(event.kind) +
                     ": " + to_string(pinhole.key);
  if (!core::closes(event))
    line += ", " + std::to_string(remaining_seconds(pinhole, now)) + " s, for " +
            pinhole.owner.to_string();
  return line;
}

}  // namespace

void Gateway::on_service_frames(const std::vector<wire::Frame>& frames) {
  std::vector<ServiceRequest> requests;
  for (const wire::Frame& frame : frames) {
    auto message = wire::decode<FromService>(frame.bytes);
    if (!message) {
      service_.kill(std::string("it sent a frame of ") + to_string(message.error()));
      break;
    }
    std::visit(
        Overloaded{[&](LanServed& served) {
                     if (LanSide* const l = lan(served.lan)) l->on_served(served.event_port);
                   },
                   [](Pong&) {}, [&](auto& request) { requests.emplace_back(std::move(request)); }},
        *message);
  }
  if (stopping_) return;
  prepare_pinholes(requests);
  if (!requests.empty()) serve_batch(requests);
}

void Gateway::look_for_ports_in_use(const std::vector<ServiceRequest>& requests, BootTime now) {
  const bool adds = std::ranges::any_of(requests, [](const ServiceRequest& request) {
    return std::holds_alternative<AddPortMapping>(request) ||
           std::holds_alternative<AddAnyPortMapping>(request);
  });
  if (!adds) return;
  const std::string fault_before = resources_.ports_in_use.fault();
  mapper_.set_ports_in_use(resources_.ports_in_use.read(wan_names_, now));
  const std::string& fault = resources_.ports_in_use.fault();
  if (!fault.empty() && fault != fault_before) base::log_warning(fault);
}

void Gateway::serve_batch(const std::vector<ServiceRequest>& requests) {
  end_leases();
  const BootTime now = base::boot_now();
  look_for_ports_in_use(requests, now);
  std::vector<core::Outcome> outcomes;
  core::Outcome all;
  for (const ServiceRequest& request : requests) {
    core::Outcome& outcome = outcomes.emplace_back(mapper_.handle(request, now));
    std::ranges::move(outcome.changes, std::back_inserter(all.changes));
    std::ranges::move(outcome.events, std::back_inserter(all.events));
    std::ranges::move(outcome.pinhole_events, std::back_inserter(all.pinhole_events));
  }
  if (!commit(all.changes, now)) {
    mapper_.revert();
    for (const ServiceRequest& request : requests)
      serve_alone(request, now);
    return;
  }
  mapper_.confirm();
  settle(all, now);
  for (std::size_t i = 0; i < requests.size(); ++i)
    std::visit([this](const auto& reply) { service_.send(reply); },
               reply_to(requests[i], outcomes[i]));
}

void Gateway::serve_alone(const ServiceRequest& request, BootTime now) {
  core::Outcome outcome = mapper_.handle(request, now);
  if (commit(outcome.changes, now)) {
    mapper_.confirm();
    settle(outcome, now);
  } else {
    mapper_.revert();
    outcome.reply = Refused{head_of(request).id, UpnpError::ActionFailed};
    outcome.reason = nat_fault_;
  }
  std::visit([this](const auto& reply) { service_.send(reply); }, reply_to(request, outcome));
}

Reply Gateway::reply_to(const ServiceRequest& request, const core::Outcome& outcome) {
  const RequestHead& head = head_of(request);
  if (outcome.reason) {
    const auto* const refused = std::get_if<Refused>(&*outcome.reply);
    const bool end_of_list =
        refused != nullptr && refused->error == UpnpError::SpecifiedArrayIndexInvalid;
    base::log(end_of_list ? base::LogLevel::Debug : base::LogLevel::Notice,
              "refused " + head.caller.to_string() + " with " +
                  std::to_string(refused == nullptr ? 0 : code_of(refused->error)) + ": " +
                  *outcome.reason);
  }
  return outcome.reply ? *outcome.reply : reply_from_kernel(request);
}

LinkTotals Gateway::link_totals(std::uint64_t id) {
  if (!wan_.interface) return {id, 0, 0, 0, 0};
  const auto totals = resources_.interface_watch.link_totals(*wan_.interface);
  if (!totals) return {id, 0, 0, 0, 0};
  return {id, totals->bytes_sent, totals->bytes_received, totals->packets_sent,
          totals->packets_received};
}

void Gateway::settle(const core::Outcome& outcome, BootTime now) {
  if (outcome.events.empty() && outcome.pinhole_events.empty()) return;
  const bool was_well = journal_.fault().empty();
  journal_.append(outcome, mapper_, now);
  if (was_well && !journal_.fault().empty()) base::log_error(journal_.fault());
  if (journal_.needs_sync() && !sync_timer_.is_running()) sync_timer_.start(kSyncPause);
  for (const core::MappingEvent& event : outcome.events)
    base::log_notice(line_for(event, now));
  for (const core::PinholeEvent& event : outcome.pinhole_events)
    base::log_notice(line_for(event, now));
  close_flows(outcome);
  plan_next_end();
  plan_publish();
}

void Gateway::close_flows(const core::Outcome& outcome) {
  if (!config_.end_flows) return;
  for (const core::MappingEvent& event : outcome.events)
    if (auto closed = core::closed_by(event)) closed_.push_back(*std::move(closed));
  for (const core::PinholeEvent& event : outcome.pinhole_events)
    if (core::closes(event)) closed_pinholes_.push_back(event.pinhole);
  const bool any = !closed_.empty() || !closed_pinholes_.empty();
  if (any && !flow_timer_.is_running()) flow_timer_.start(kFlowPause);
}

void Gateway::end_closed_flows() {
  const auto warn = [](const auto& ended) {
    if (!ended)
      base::log_warning(
          base::with_errno("established flows could not be ended", ended.error().error));
  };
  // Many clients delete a mapping just before they add it: that is no end.
  std::erase_if(closed_, [this](const PortMapping& m) { return mapper_.table().covers(m); });
  std::erase_if(closed_pinholes_,
                [this](const Pinhole& p) { return mapper_.pinholes().find(p.key) != nullptr; });
  if (!closed_.empty()) warn(resources_.flow_ender.end_flows(closed_));
  if (!closed_pinholes_.empty()) warn(resources_.flow_ender.end_flows(closed_pinholes_));
  closed_.clear();
  closed_pinholes_.clear();
}

void Gateway::end_leases() {
  const BootTime now = base::boot_now();
  const core::Outcome outcome = mapper_.tick(now);
  // The kernel has closed the ports by itself; this only clears what it may still remember.
  if (!commit(outcome.changes, now))
    if (const auto reconciled = reconcile(); !reconciled) base::log_error(reconciled.error());
  mapper_.confirm();
  settle(outcome, now);
  if (outcome.events.empty() && outcome.pinhole_events.empty()) plan_next_end();
}

void Gateway::plan_next_end() {
  const auto deadline = mapper_.next_deadline();
  if (!deadline) return lease_timer_.stop();
  const auto delay = std::max(*deadline - base::boot_now(), std::chrono::milliseconds(0));
  lease_timer_.start(delay + kKernelTick);
}

}  // namespace upnpd::gateway
