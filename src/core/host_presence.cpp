#include "host_presence.h"

#include <algorithm>

namespace upnpd::core {

std::chrono::milliseconds HostPresence::pause() const {
  return std::max(timeout_ / kQuestions, kBetweenQuestions);
}

void HostPresence::set_timeout(std::chrono::milliseconds timeout) {
  if (timeout == timeout_) return;
  timeout_ = timeout;
  if (timeout_.count() == 0) hosts_.clear();
  for (auto& [address, host] : hosts_)
    host.next_question = host.last_seen + pause();
}

void HostPresence::set_hosts(const std::set<Ipv4Address>& hosts, BootTime now) {
  if (timeout_.count() == 0) return;
  std::erase_if(hosts_, [&](const auto& host) { return !hosts.contains(host.first); });
  for (const Ipv4Address host : hosts)
    hosts_.try_emplace(host, Host{now, now + pause()});
}

void HostPresence::seen(Ipv4Address host, BootTime now) {
  const auto found = hosts_.find(host);
  if (found != hosts_.end()) found->second = {now, now + pause()};
}

bool HostPresence::missed(Ipv4Address host, BootTime now) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return false;
  const BootTime end = found->second.last_seen + timeout_;
  if (now >= end) return true;
  // The last question is asked when the time is over, not long before or after.
  found->second.next_question = std::min(std::max(found->second.next_question, now), end);
  return false;
}

std::vector<Ipv4Address> HostPresence::take_due(BootTime now) {
  std::vector<Ipv4Address> due;
  for (auto& [address, host] : hosts_) {
    if (host.next_question > now) continue;
    due.push_back(address);
    host.next_question = now + pause();
  }
  return due;
}

std::optional<BootTime> HostPresence::next_deadline() const {
  std::optional<BootTime> next;
  for (const auto& [address, host] : hosts_)
    next = std::min(next.value_or(BootTime::max()), host.next_question);
  return next;
}

}  // namespace upnpd::core
