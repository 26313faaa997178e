#include "mapping_table.h"

#include <algorithm>

namespace upnpd::core {
namespace {

// Takes the element at `place` out of `view`, moving the last one there; `set_place` tells the
// moved one.
template <class View, class SetPlace>
void take_out(View& view, std::size_t place, SetPlace set_place) {
  view[place] = view.back();
  set_place(*view[place], place);
  view.pop_back();
}

}  // namespace

Endpoint endpoint_of(const PortMapping& mapping) {
  return {mapping.client, mapping.key.protocol, mapping.internal_port};
}

bool MappingTable::ByPort::operator()(const PortMappingKey& a, const PortMappingKey& b) const {
  return std::tie(a.protocol, a.external_port, a.remote_host) <
         std::tie(b.protocol, b.external_port, b.remote_host);
}

// Any RemoteHost before a single one, the oldest before the others.
auto MappingTable::ChosenFirst::rank(const Entry& entry) {
  return std::tuple(!entry.mapping.key.remote_host.is_any(), entry.mapping.id, &entry);
}

auto MappingTable::LastingFirst::rank(const Entry& entry) {
  return std::tuple(-entry.end().time_since_epoch(), &entry);
}

template <class First>
bool MappingTable::ByEndpoint<First>::operator()(const Entry* a, const Entry* b) const {
  const Endpoint of_a = endpoint_of(a->mapping), of_b = endpoint_of(b->mapping);
  return of_a == of_b ? First::rank(*a) < First::rank(*b) : of_a < of_b;
}

template <class First>
bool MappingTable::ByEndpoint<First>::operator()(const Entry* a, const Endpoint& b) const {
  return endpoint_of(a->mapping) < b;
}

std::vector<Ipv4Address> MappingTable::clients() const {
  std::vector<Ipv4Address> clients;
  for (const auto& [address, client] : clients_)
    clients.push_back(Ipv4Address::from_host_order(address));
  return clients;
}

std::size_t MappingTable::size_of(Ipv4Address client) const {
  const auto found = clients_.find(client.host_order());
  return found == clients_.end() ? 0 : found->second.view.size();
}

std::size_t MappingTable::size_of(std::span<const Ipv4Address> clients, const LanHost& host) const {
  const auto of_host = hosts_.find(host);
  std::size_t size = of_host == hosts_.end() ? 0 : of_host->second.mappings;
  for (const Ipv4Address client : clients) {
    size += size_of(client);
    if (of_host == hosts_.end()) continue;
    const auto twice = of_host->second.clients.find(client);
    if (twice != of_host->second.clients.end()) size -= twice->second;
  }
  return size;
}

bool MappingTable::has_permanent(Ipv4Address client) const {
  const auto found = clients_.find(client.host_order());
  return found != clients_.end() && found->second.permanent > 0;
}

std::vector<MacAddress> MappingTable::hosts_of(Ipv4Address client) const {
  std::vector<MacAddress> hosts;
  if (const auto found = clients_.find(client.host_order()); found != clients_.end())
    for (const auto& [host, count] : found->second.hosts)
      hosts.push_back(host);
  return hosts;
}

std::vector<Ipv4Address> MappingTable::clients_of(const LanHost& host) const {
  std::vector<Ipv4Address> clients;
  if (const auto found = hosts_.find(host); found != hosts_.end())
    for (const auto& [client, count] : found->second.clients)
      clients.push_back(client);
  return clients;
}

const PortMapping* MappingTable::find(const PortMappingKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second.mapping;
}

const PortMapping* MappingTable::find(MappingId id) const {
  const auto found =
      std::ranges::find_if(all_, [id](const Entry* e) { return e->mapping.id == id; });
  return found == all_.end() ? nullptr : &(*found)->mapping;
}

MappingTable::Entries::const_iterator MappingTable::first_at(Protocol protocol,
                                                             ExternalPort port) const {
  return entries_.lower_bound(PortMappingKey{RemoteHost::any(), port, protocol});
}

const PortMapping* MappingTable::find_conflict(Protocol protocol, ExternalPort port,
                                               InternalClient client) const {
  for (auto entry = first_at(protocol, port); entry != entries_.end(); ++entry) {
    const PortMapping& mapping = entry->second.mapping;
    if (mapping.key.protocol != protocol || mapping.key.external_port != port) break;
    if (mapping.client != client) return &mapping;
  }
  return nullptr;
}

bool MappingTable::covers(const PortMapping& mapping) const {
  PortMappingKey for_any = mapping.key;
  for_any.remote_host = RemoteHost::any();
  for (const PortMappingKey& key : {mapping.key, for_any}) {
    const PortMapping* const found = find(key);
    if (found != nullptr && found->enabled && endpoint_of(*found) == endpoint_of(mapping))
      return true;
  }
  return false;
}

const PortMapping* MappingTable::at(std::size_t index) const {
  return index < all_.size() ? &all_[index]->mapping : nullptr;
}

const PortMapping* MappingTable::at(std::size_t index, Ipv4Address client) const {
  const auto found = clients_.find(client.host_order());
  if (found == clients_.end() || index >= found->second.view.size()) return nullptr;
  return &found->second.view[index]->mapping;
}

void MappingTable::visit(const PortSpan& span, const Visit& visit) const {
  const auto first = ExternalPort::parse(std::max<std::uint32_t>(span.first, 1));
  for (auto entry = first_at(span.protocol, *first); entry != entries_.end(); ++entry) {
    const PortMapping& mapping = entry->second.mapping;
    const bool is_inside =
        mapping.key.protocol == span.protocol && mapping.key.external_port.number() <= span.last;
    if (!is_inside || !visit(mapping)) return;
  }
}

void MappingTable::visit(const PortSpan& span, std::span<const Ipv4Address> clients,
                         const Visit& visit) const {
  // Looked for among all while they are a good part of them, sorted when they are few.
  constexpr std::size_t kFew = 8;
  std::size_t theirs = 0;
  for (const Ipv4Address client : clients)
    theirs += size_of(client);
  if (theirs * kFew > size())
    return this->visit(span, [&](const PortMapping& mapping) {
      return !std::ranges::count(clients, mapping.client.address()) || visit(mapping);
    });
  std::vector<const PortMapping*> inside;
  for (const Ipv4Address client : clients) {
    const auto found = clients_.find(client.host_order());
    if (found == clients_.end()) continue;
    for (const Entry* const entry : found->second.view) {
      const PortMappingKey& key = entry->mapping.key;
      const std::uint16_t port = key.external_port.number();
      if (key.protocol == span.protocol && span.first <= port && port <= span.last)
        inside.push_back(&entry->mapping);
    }
  }
  std::ranges::sort(
      inside, ByPort(), [](const PortMapping* m) -> const auto& { return m->key; });
  for (const PortMapping* const mapping : inside)
    if (!visit(*mapping)) return;
}

std::optional<ExternalPort> MappingTable::free_port(
    Protocol protocol, ExternalPort start,
    const std::function<bool(ExternalPort)>& acceptable) const {
  // Walks the entries beside the ports, so that a full table costs one pass, not 65 535 searches.
  const auto free_between = [&](std::uint32_t first,
                                std::uint32_t last) -> std::optional<ExternalPort> {
    auto entry = first_at(protocol, *ExternalPort::parse(first));
    for (std::uint32_t number = first; number <= last; ++number) {
      const ExternalPort port = *ExternalPort::parse(number);
      while (entry != entries_.end() && entry->first.protocol == protocol &&
             entry->first.external_port < port)
        ++entry;
      const bool taken = entry != entries_.end() && entry->first.protocol == protocol &&
                         entry->first.external_port == port;
      if (!taken && acceptable(port)) return port;
    }
    return std::nullopt;
  };
  if (const auto port = free_between(start.number(), 65535)) return port;
  return start.number() == 1 ? std::nullopt : free_between(1, start.number() - 1u);
}

void MappingTable::put(const PortMapping& mapping) {
  const auto [entry, is_new] = entries_.try_emplace(mapping.key, Entry{mapping, 0, 0, 0});
  if (!is_new) {
    unindex(entry->second);
    entry->second.mapping = mapping;
  }
  index(entry->second);
}

void MappingTable::erase(const PortMappingKey& key) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  unindex(entry->second);
  entries_.erase(entry);
}

void MappingTable::index(Entry& entry) {
  Client& client = clients_[entry.mapping.client.address().host_order()];
  entry.place_in_all = all_.size();
  entry.place_in_view = client.view.size();
  all_.push_back(&entry);
  client.view.push_back(&entry);
  index_host(entry.mapping, client);
  if (entry.mapping.expires)
    by_expiry_.push(entry);
  else
    ++client.permanent;
  if (!entry.mapping.enabled) return;
  by_choice_.insert(&entry);
  by_end_.insert(&entry);
}

void MappingTable::unindex(const Entry& entry) {
  const auto found = clients_.find(entry.mapping.client.address().host_order());
  Client& client = found->second;
  take_out(all_, entry.place_in_all, [](Entry& e, std::size_t place) { e.place_in_all = place; });
  take_out(client.view, entry.place_in_view,
           [](Entry& e, std::size_t place) { e.place_in_view = place; });
  unindex_host(entry.mapping, client);
  if (entry.mapping.expires)
    by_expiry_.erase(entry);
  else
    --client.permanent;
  if (client.view.empty()) clients_.erase(found);
  by_choice_.erase(&entry);
  by_end_.erase(&entry);
}

void MappingTable::index_host(const PortMapping& mapping, Client& client) {
  if (mapping.host == MacAddress{}) return;
  ++client.hosts[mapping.host];
  Host& host = hosts_[host_of(mapping)];
  ++host.mappings;
  ++host.clients[mapping.client.address()];
}

void MappingTable::unindex_host(const PortMapping& mapping, Client& client) {
  const auto host = hosts_.find(host_of(mapping));
  if (host == hosts_.end()) return;
  const auto take_one = [](auto& counts, const auto& key) {
    const auto count = counts.find(key);
    if (--count->second == 0) counts.erase(count);
  };
  take_one(client.hosts, mapping.host);
  take_one(host->second.clients, mapping.client.address());
  if (--host->second.mappings == 0) hosts_.erase(host);
}

OutwardMapping MappingTable::outward_of(const Entry& chosen, const Entry& lasting) {
  return {endpoint_of(chosen.mapping), chosen.mapping.key.external_port, chosen.mapping.expires,
          lasting.mapping.expires};
}

std::optional<OutwardMapping> MappingTable::outward(const Endpoint& endpoint) const {
  const auto chosen = by_choice_.lower_bound(endpoint);
  if (chosen == by_choice_.end() || endpoint_of((*chosen)->mapping) != endpoint)
    return std::nullopt;
  return outward_of(**chosen, **by_end_.lower_bound(endpoint));
}

void MappingTable::for_each_outward(
    const std::function<void(const OutwardMapping&)>& function) const {
  // Both have the same entries, by endpoint first: an endpoint begins at the same place in both.
  const Entry* before = nullptr;
  for (auto chosen = by_choice_.begin(), lasting = by_end_.begin(); chosen != by_choice_.end();
       ++chosen, ++lasting) {
    if (before == nullptr || endpoint_of(before->mapping) != endpoint_of((*chosen)->mapping))
      function(outward_of(**chosen, **lasting));
    before = *chosen;
  }
}

const PortMapping* MappingTable::first_to_expire() const {
  const Entry* const first = by_expiry_.first();
  return first == nullptr ? nullptr : &first->mapping;
}

void MappingTable::for_each(const std::function<void(const PortMapping&)>& function) const {
  for (const auto& [key, entry] : entries_)
    function(entry.mapping);
}

}  // namespace upnpd::core
