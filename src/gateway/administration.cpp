// What upnpd-admin asks: each command is a function from JSON to JSON.
#include <algorithm>

#include "clock.h"
#include "gateway.h"
#include "log.h"
#include "upnpd/version.h"

#include <unistd.h>

namespace upnpd::gateway {
namespace {

using base::Json;

Json to_json(const PortMapping& mapping, const TrafficCounters& traffic, BootTime now) {
  Json entry = Json::object();
  entry.add("id", std::int64_t{mapping.id});
  entry.add("protocol", to_string(mapping.key.protocol));
  entry.add("external_port", std::int64_t{mapping.key.external_port.number()});
  entry.add("remote_host", mapping.key.remote_host.to_string());
  entry.add("client", mapping.client.address().to_string());
  entry.add("internal_port", std::int64_t{mapping.internal_port.number()});
  entry.add_switch("enabled", mapping.enabled);
  if (mapping.expires)
    entry.add("expires_in", std::int64_t{remaining_seconds(mapping, now)});
  else
    entry.add_null("expires_in");
  entry.add("description", mapping.description.text());
  entry.add("host", mapping.host == MacAddress{} ? "" : upnpd::to_string(mapping.host));
  entry.add("packets", static_cast<std::int64_t>(traffic.packets));
  entry.add("bytes", static_cast<std::int64_t>(traffic.bytes));
  return entry;
}

Json to_json(const Pinhole& pinhole, std::uint64_t packets, BootTime now) {
  const auto remote_port = pinhole.key.remote_port.port();
  Json entry = Json::object();
  entry.add("id", std::int64_t{pinhole.id.number()});
  entry.add("protocol", to_string(pinhole.key.protocol));
  entry.add("remote_host", pinhole.key.remote_host.to_string());
  if (remote_port)
    entry.add("remote_port", std::int64_t{remote_port->number()});
  else
    entry.add_null("remote_port");
  entry.add("client", pinhole.key.client.address().to_string());
  entry.add("internal_port", std::int64_t{pinhole.key.internal_port.number()});
  entry.add("expires_in", std::int64_t{remaining_seconds(pinhole, now)});
  entry.add("owner", upnpd::to_string(pinhole.owner));
  entry.add("host", upnpd::to_string(pinhole.host));
  entry.add("packets", static_cast<std::int64_t>(packets));
  return entry;
}

Json to_json(const SupervisedChild& child) {
  Json process = Json::object();
  process.add("role", child.role());
  process.add("pid", std::int64_t{child.pid()});
  process.add("restarts", std::int64_t{child.restarts()});
  process.add("state", child.state());
  process.add("last_end", child.last_end());
  return process;
}

Json to_json(const LanSide& lan, const WanSide& wan) {
  Json entry = Json::object();
  entry.add("name", lan.name());
  if (const auto access = lan.access()) {
    entry.add("interface", access->interface);
    entry.add("address", access->networks.front().to_string());
  }
  entry.add("http_port", std::int64_t{lan.http_port()});
  entry.add("event_port", std::int64_t{lan.event_port()});
  std::string ipv6_addresses;
  if (lan.ipv6().is_served())
    for (const Ipv6Network& network : lan.ipv6().addresses())
      ipv6_addresses += (ipv6_addresses.empty() ? "" : " ") + network.to_string();
  entry.add("ipv6_addresses", ipv6_addresses);
  entry.add("ipv6_http_port", std::int64_t{lan.ipv6().http_port()});
  entry.add("ipv6_problem", lan.ipv6().problem());
  entry.add("wan", wan.interface.value_or(""));
  entry.add("problem", lan.problem());
  return entry;
}

Json to_json(const WanSide& wan) {
  Json entry = Json::object();
  entry.add("interface", wan.interface.value_or(""));
  entry.add("external_address", wan.external_address ? wan.external_address->to_string() : "");
  entry.add("note", note_on(wan));
  return entry;
}

}  // namespace

std::string ipv6_reach(const Config& config) {
  if (!config.ipv6) return "off (ipv6_disable)";
  return config.policy.allow_pinholes ? "discovery, control, events and pinholes"
                                      : "discovery, control and events; no pinholes";
}

Json Gateway::administer(const Json& request) {
  const std::string command = request.text_at("command").value_or("");
  const std::string what = request.text_at("what").value_or("mappings");
  if (command == "list" && what == "mappings") return list_mappings();
  if (command == "list" && what == "pinholes") return list_pinholes();
  if (command == "list")
    return error_reply("there is no list of '" + base::printable(what) +
                       "'; there are: mappings, pinholes");
  if (command == "status") return status();
  if (command == "reload") return reload_for_admin();
  if (command == "delete" && what == "pinholes") return delete_pinhole(request);
  if (command == "delete") return delete_mapping(request);
  return error_reply("'" + base::printable(command) +
                     "' is no command; there are: list, status, delete, reload");
}

Json Gateway::list_mappings() {
  store_.end_leases();
  const BootTime now = base::boot_now();
  const auto counters =
      store_.nat().counters().value_or(std::map<PortMappingKey, TrafficCounters>());
  Json list = Json::array();
  store_.mapper().table().for_each([&](const PortMapping& mapping) {
    const auto traffic = counters.find(mapping.key);
    list.append(
        to_json(mapping, traffic == counters.end() ? TrafficCounters{} : traffic->second, now));
  });
  Json reply = Json::object();
  reply.add("mappings", std::move(list));
  return reply;
}

Json Gateway::list_pinholes() {
  store_.end_leases();
  const BootTime now = base::boot_now();
  Json list = Json::array();
  store_.mapper().pinholes().for_each([&](const Pinhole& pinhole) {
    const auto traffic = store_.nat().pinhole_traffic(pinhole.key);
    list.append(to_json(pinhole, traffic ? traffic->packets : 0, now));
  });
  Json reply = Json::object();
  reply.add("pinholes", std::move(list));
  return reply;
}

Json Gateway::status() const {
  Json reply = Json::object();
  reply.add("version", kVersion);
  const InternetSide& internet = networks_.internet();
  reply.add("wan", to_json(internet.wans[internet.usual]));
  Json wans = Json::array();
  for (const WanSide& wan : internet.wans)
    wans.append(to_json(wan));
  reply.add("wans", std::move(wans));
  Json lans = Json::array();
  Json processes = Json::array();
  Json self = Json::object();
  self.add("role", "gateway");
  self.add("pid", std::int64_t{::getpid()});
  self.add("restarts", std::int64_t{0});
  self.add("state", "running");
  self.add("last_end", "");
  processes.append(std::move(self));
  processes.append(to_json(service_));
  for (const auto& lan : lans_) {
    lans.append(to_json(*lan, networks_.wan_of(*lan)));
    Json announcer = to_json(lan->announcer());
    announcer.add("lan", lan->name());
    processes.append(std::move(announcer));
  }
  reply.add("lans", std::move(lans));
  reply.add("processes", std::move(processes));
  Json mappings = Json::object();
  mappings.add("count", static_cast<std::int64_t>(store_.mapper().table().size()));
  mappings.add("limit", std::int64_t{config_.policy.limits.mappings});
  reply.add("mappings", std::move(mappings));
  Json pinholes = Json::object();
  pinholes.add("count", static_cast<std::int64_t>(store_.mapper().pinholes().size()));
  pinholes.add_switch("allowed", config_.policy.allow_pinholes);
  reply.add("pinholes", std::move(pinholes));
  reply.add("ipv6", ipv6_reach(config_));
  reply.add("faults", faults());
  return reply;
}

// What is wrong now, by the part it is wrong with; "" where nothing is.
Json Gateway::faults() const {
  Json faults = Json::object();
  faults.add("journal", store_.journal_fault());
  faults.add("kernel", store_.kernel_fault());
  faults.add("identity", resources_.identity_fault);
  const auto add_child = [&](const std::string& name, const SupervisedChild& child) {
    faults.add(name.c_str(), child.is_waited_for() ? child.state() + ", " + child.last_end() : "");
  };
  add_child("igd", service_);
  for (const auto& lan : lans_) {
    add_child("announcer " + lan->name(), lan->announcer());
    faults.add(("LAN " + lan->name()).c_str(), lan->problem());
  }
  return faults;
}

Json Gateway::delete_mapping(const Json& request) {
  const auto id = request.number_at("id");
  if (!id || *id < 1 || *id > UINT32_MAX)
    return error_reply("delete needs the id of a mapping, a number from the list");
  store_.end_leases();
  return carry_out(store_.mapper().remove(static_cast<MappingId>(*id)), *id, "mapping");
}

Json Gateway::delete_pinhole(const Json& request) {
  const auto id = UniqueId::parse(static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(request.number_at("id").value_or(0), 0, UINT32_MAX)));
  if (!id) return error_reply("delete needs the id of a pinhole, a number from the list");
  store_.end_leases();
  return carry_out(store_.mapper().remove(*id), id->number(), "pinhole");
}

Json Gateway::carry_out(const core::Outcome& outcome, std::int64_t id, const std::string& what) {
  const BootTime now = base::boot_now();
  if (outcome.changes.empty() && outcome.events.empty())
    return error_reply("there is no " + what + " " + std::to_string(id));
  if (!store_.carry_out(outcome, now)) return error_reply(store_.kernel_fault());
  Json reply = Json::object();
  reply.add("deleted", id);
  reply.add("what", what);
  return reply;
}

}  // namespace upnpd::gateway
