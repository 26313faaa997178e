// The core against a model of it: a std::map from key to mapping, and the rules of
// WANIPConnection:2 as a reader of the standard would write them down. After each request table,
// kernel and model must say the same.
#include "mapper.h"

#include <algorithm>
#include <map>

#include "fuzz.h"

using namespace upnpd;
using namespace upnpd::fuzz;

namespace {

constexpr unsigned kMost = 12, kMostOfHost = 5;
const Ipv4Address kRouter = Ipv4Address::from_host_order(0xc0a84d01);

struct Kept {
  Ipv4Address client;
  std::uint16_t internal_port;
  bool enabled;
  std::optional<BootTime> expires;
};
using Model = std::map<PortMappingKey, Kept>;
using Kernel = std::map<PortMappingKey, PortMapping>;
using Outward = std::map<Endpoint, OutwardMapping>;

// ---- the model ----

bool is_host(Ipv4Address a) {
  return a.host_order() >> 8 == 0xc0a84d && (a.host_order() & 255) % 255 != 0;
}

std::size_t count_of(const Model& model, Ipv4Address client) {
  return static_cast<std::size_t>(
      std::ranges::count_if(model, [&](const auto& e) { return e.second.client == client; }));
}

bool conflicts(const Model& model, const PortMappingKey& key, Ipv4Address client) {
  return std::ranges::any_of(model, [&](const auto& e) {
    return e.first.protocol == key.protocol && e.first.external_port == key.external_port &&
           e.second.client != client;
  });
}

bool has_room(const Model& model, const PortMappingKey& key, Ipv4Address client) {
  const auto old = model.find(key);
  return (old != model.end() && old->second.client == client) ||
         (model.size() < kMost && count_of(model, client) < kMostOfHost);
}

// ---- one step: a request from the input, its outcome judged ----

class Run {
 public:
  Run() { mapper_.set_surroundings({{{0, {*Ipv4Network::parse("192.168.77.1/24")}}}, {kRouter}}); }

  void step(Input& input) {
    now_ += std::chrono::milliseconds(input.byte() * 20);
    end_leases();
    const unsigned kind = input.byte();
    caller_ = Ipv4Address::from_host_order((kind & 0x80) != 0 ? 0xcb007105
                                                              : 0xc0a84d00u + input.byte() % 5);
    head_ = {1, static_cast<LanIndex>((kind & 0x40) != 0), caller_,
             (kind & 0x20) != 0 ? IgdVersion::v1 : IgdVersion::v2};
    const Model before = model_;
    switch (kind % 5) {
      case 0:
      case 1: add(input, kind % 5 == 1); break;
      case 2: remove(input); break;
      case 3: remove_range(input); break;
      case 4: look(input); break;
    }
    if (input.byte() % 8 == 0)
      refuse_by_kernel(before);
    else
      accept_by_kernel();
    compare();
  }

 private:
  PortMappingKey a_key(Input& input) {
    const auto ends = input.byte();
    const auto remote =
        (ends & 1) == 0
            ? RemoteHost::any()
            : *RemoteHost::parse(Ipv4Address::from_host_order(0xcb007100u + (ends >> 1) % 3 + 1));
    return {remote, *ExternalPort::parse(1020u + input.byte() % 8),
            (ends & 0x10) != 0 ? Protocol::TCP : Protocol::UDP};
  }
  static AddressArgument as_argument(const RemoteHost& host) {
    if (host.is_any()) return NoAddress{};
    return *host.address();
  }
  bool caller_is_here() const { return head_.lan == 0 && is_host(caller_); }

  void add(Input& input, bool any) {
    const PortMappingKey key = a_key(input);
    const auto internal_port = static_cast<std::uint16_t>(1022 + input.byte() % 4);
    const auto named = Ipv4Address::from_host_order(0xc0a84d00u + input.byte() % 5);
    const bool names = input.byte() % 4 == 0;
    const std::uint32_t lease = input.byte() % 8;
    const bool enabled = input.byte() % 4 != 0;
    const PortMappingArguments arguments{
        as_argument(key.remote_host),
        key.external_port.number(),
        key.protocol,
        internal_port,
        names ? AddressArgument(named) : AddressArgument(NoAddress{}),
        enabled,
        PortMappingDescription::parse("fuzz"),
        lease};
    handle(any ? ServiceRequest(AddAnyPortMapping{head_, arguments})
               : ServiceRequest(AddPortMapping{head_, arguments}));
    const bool may = caller_is_here() && caller_ != kRouter && (!names || named == caller_) &&
                     internal_port >= 1024;
    const bool port_is_free =
        key.external_port.number() >= 1024 && !conflicts(model_, key, caller_);
    PortMappingKey granted = key;
    if (any) {
      const auto* const reserved = std::get_if<Reserved>(&*outcome_.reply);
      const bool has = has_room(model_, key, caller_);
      must((reserved != nullptr) == (may && has), "AddAny fails for want of room or right alone");
      if (reserved == nullptr) return;
      granted.external_port = reserved->port;
      must(!port_is_free || granted == key, "a free port is not exchanged");
      must(!conflicts(model_, granted, caller_), "AddAny gives a free port");
      must(granted.external_port.number() >= 1024, "AddAny gives a permitted port");
    } else {
      const bool granted_it = std::holds_alternative<Done>(*outcome_.reply);
      must(granted_it == (may && port_is_free && has_room(model_, key, caller_)),
           "AddPortMapping is granted when the rules grant it");
      if (!granted_it) return;
    }
    const bool permanent = lease == 0 && head_.version == IgdVersion::v1;
    const auto seconds = lease == 0 ? 604800 : lease;
    model_.insert_or_assign(
        granted,
        Kept{caller_, internal_port, enabled,
             permanent ? std::nullopt : std::optional(now_ + std::chrono::seconds(seconds))});
  }

  void remove(Input& input) {
    const PortMappingKey key = a_key(input);
    handle(DeletePortMapping{head_, as_argument(key.remote_host), key.external_port.number(),
                             key.protocol});
    const auto found = model_.find(key);
    const bool may = found != model_.end() && caller_is_here() && found->second.client == caller_;
    must(std::holds_alternative<Done>(*outcome_.reply) == may, "only the owner deletes");
    if (may) model_.erase(found);
  }

  void remove_range(Input& input) {
    const PortMappingKey from = a_key(input);
    const auto first = from.external_port.number();
    const auto last = static_cast<std::uint16_t>(1020 + input.byte() % 8);
    handle(DeletePortMappingRange{head_, {first, last, from.protocol}});
    const auto gone = std::erase_if(model_, [&](const auto& e) {
      return caller_is_here() && e.first.protocol == from.protocol &&
             e.first.external_port.number() >= first && e.first.external_port.number() <= last &&
             e.second.client == caller_;
    });
    must(std::holds_alternative<Done>(*outcome_.reply) == (gone != 0),
         "a range takes the caller's mappings, and no others");
  }

  void look(Input& input) {
    const PortMappingKey key = a_key(input);
    handle(GetSpecificPortMappingEntry{head_, as_argument(key.remote_host),
                                       key.external_port.number(), key.protocol});
    const auto found = model_.find(key);
    const auto* const entry = std::get_if<Entry>(&*outcome_.reply);
    must((entry != nullptr) ==
             (found != model_.end() && caller_is_here() && found->second.client == caller_),
         "only the owner sees an entry");
    must(entry == nullptr || entry->internal_port.number() == found->second.internal_port,
         "the entry is the mapping");
  }

  void handle(const ServiceRequest& request) {
    update_id_before_ = mapper_.system_update_id();
    outcome_ = mapper_.handle(request, now_);
    must(outcome_.reply.has_value(), "each of these requests is answered by the core");
    must(outcome_.reason.has_value() == std::holds_alternative<Refused>(*outcome_.reply),
         "a refusal has a reason");
    const bool changed = !outcome_.events.empty();
    must(mapper_.system_update_id() == update_id_before_ + (changed ? 1 : 0),
         "SystemUpdateID counts changes");
  }

  void end_leases() {
    outcome_ = mapper_.tick(now_);
    std::erase_if(model_,
                  [&](const auto& e) { return e.second.expires && *e.second.expires <= now_; });
    accept_by_kernel();
    compare();
    must(!mapper_.next_deadline() || *mapper_.next_deadline() > now_, "no lease is forgotten");
  }

  void refuse_by_kernel(const Model& before) {
    mapper_.revert();
    model_ = before;
  }

  void accept_by_kernel() {
    for (const NatChange& change : outcome_.changes)
      std::visit([this](const auto& c) { apply(c); }, change);
    mapper_.confirm();
  }
  void apply(const AddMapping& change) {
    must(kernel_.emplace(change.mapping.key, change.mapping).second, "nothing is added twice");
  }
  void apply(const RemoveMapping& change) {
    must(kernel_.erase(change.mapping.key) == 1, "what is removed was there");
  }
  void apply(const AddOutward& change) {
    must(outward_.emplace(change.outward.endpoint, change.outward).second, "one way out");
  }
  void apply(const RemoveOutward& change) {
    const auto found = outward_.find(change.outward.endpoint);
    must(found != outward_.end() && found->second == change.outward, "the way out was there");
    outward_.erase(found);
  }
  void apply(const OpenPinhole&) { must(false, "no request was about pinholes"); }
  void apply(const ClosePinhole&) { must(false, "no request was about pinholes"); }

  void compare() const {
    must(mapper_.table().size() == model_.size(), "the table has what the model has");
    must(model_.size() <= kMost, "max_mappings holds");
    std::size_t enabled = 0;
    std::map<Endpoint, std::vector<std::uint16_t>> ways;
    for (const auto& [key, kept] : model_) {
      const PortMapping* const mapping = mapper_.table().find(key);
      must(mapping != nullptr && mapping->client.address() == kept.client &&
               mapping->internal_port.number() == kept.internal_port &&
               mapping->enabled == kept.enabled && mapping->expires == kept.expires,
           "the mapping is the model's");
      must(count_of(model_, kept.client) <= kMostOfHost, "max_mappings_per_host holds");
      if (!kept.enabled) continue;
      ++enabled;
      const auto held = kernel_.find(key);
      must(held != kernel_.end() && held->second.client == mapping->client &&
               held->second.expires == mapping->expires,
           "the kernel has the mapping");
      ways[core::endpoint_of(*mapping)].push_back(key.external_port.number());
    }
    must(kernel_.size() == enabled, "the kernel has nothing else");
    must(outward_.size() == ways.size(), "each endpoint has one way out");
    for (const auto& [endpoint, ports] : ways) {
      const auto found = outward_.find(endpoint);
      must(found != outward_.end() &&
               std::ranges::count(ports, found->second.external_port.number()) != 0,
           "the way out is one of its mappings");
    }
    const auto listed = mapper_.outward_mappings();
    must(listed.size() == outward_.size(), "all ways out are listed");
    for (const NatChange& change : listed) {
      const OutwardMapping& outward = std::get<AddOutward>(change).outward;
      const auto found = outward_.find(outward.endpoint);
      must(found != outward_.end() && found->second == outward, "as they are");
    }
  }

  static core::Policy policy() {
    core::Policy policy;
    policy.permissions = core::Policy::usual_permissions();
    policy.limits = {.mappings = kMost, .mappings_per_host = kMostOfHost, .requests_per_second = 0};
    return policy;
  }

  core::Mapper mapper_{policy()};
  core::Outcome outcome_;
  Model model_;
  Kernel kernel_;
  Outward outward_;
  Ipv4Address caller_ = kRouter;
  RequestHead head_{1, 0, kRouter, IgdVersion::v2};
  BootTime now_{std::chrono::seconds(1000)};
  std::uint32_t update_id_before_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Run run;
  for (int i = 0; i < 200 && !input.is_empty(); ++i)
    run.step(input);
  return 0;
}
