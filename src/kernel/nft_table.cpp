#include "nft_table.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "mapping_elements.h"
#include "nft_batch.h"
#include "nft_dump.h"
#include "pinhole_elements.h"
#include "surroundings_elements.h"

namespace upnpd::kernel {
namespace {

using Existing = NftBatch::Existing;

NatError nat_error(const NetlinkError& error) {
  return NatError{error.error, error.what};
}

void add_layout(NftBatch& batch) {
  batch.add_table();
  for (const SetDefinition& set : kSets)
    batch.add_set(set);
  for (const ChainDefinition& chain : kChains)
    batch.add_chain(chain);
  batch.flush_rules();
  for (const auto& rule : make_rules())
    batch.add_rule(*rule);
}

// An element may expire on its own a moment before, and the deletion of what is not there would
// refuse the batch. So it is added first: that changes nothing when it is there (it has the same
// data, and comes without a timeout, which leaves the old one alone), and when it is not there is
// something to delete. NFT_MSG_DESTROYSETELEM says the same in one message, from kernel 6.3 on.
void remove_element(NftBatch& batch, const char* set, const Element& element) {
  batch.add_element(set, Element{.key = element.key, .data = element.data}, Existing::Kept);
  batch.delete_element(set, element);
}

// What pinholes have counted before they are put in again.
using Counted = std::map<PinholeKey, TrafficCounters>;

// Puts a change into the batch.
struct ChangeWriter {
  NftBatch& batch;
  BootTime now;
  Counted counted = {};

  void operator()(const AddMapping& change) const {
    batch.add_element(map_of(change.mapping.key), element_of(change.mapping, now),
                      Existing::Refused);
  }
  void operator()(const RemoveMapping& change) const {
    remove_element(batch, map_of(change.mapping.key), element_of(change.mapping, now));
  }
  void operator()(const AddOutward& change) const {
    batch.add_element(kSourcePorts, source_port_element_of(change.outward, now), Existing::Refused);
    batch.add_element(kMappedClients, mapped_client_element_of(change.outward, now),
                      Existing::Refused);
  }
  void operator()(const RemoveOutward& change) const {
    remove_element(batch, kSourcePorts, source_port_element_of(change.outward, now));
    remove_element(batch, kMappedClients, mapped_client_element_of(change.outward, now));
  }
  void operator()(const OpenPinhole& change) const {
    Element element = element_of(change.pinhole, now);
    if (const auto before = counted.find(change.pinhole.key); before != counted.end())
      element.traffic = before->second;
    batch.add_element(set_of(change.pinhole.key), element, Existing::Refused);
  }
  void operator()(const ClosePinhole& change) const {
    remove_element(batch, set_of(change.pinhole.key), element_of(change.pinhole, now));
  }
};

struct MappingMap {
  const char* name;
  std::optional<PortMappingKey> (*key_of)(const Element&);
};
constexpr MappingMap kMappingMaps[] = {{kMappings, mapping_key_of},
                                       {kRemoteMappings, remote_mapping_key_of}};

std::vector<PortMapping> mappings_of(const MappingMap& map, const std::vector<Element>& elements,
                                     BootTime now) {
  std::vector<PortMapping> mappings;
  for (const Element& element : elements)
    if (const auto key = map.key_of(element))
      if (auto mapping = mapping_of(*key, element, now)) mappings.push_back(*std::move(mapping));
  return mappings;
}

std::vector<Pinhole> pinholes_of(const char* set, const std::vector<Element>& elements,
                                 BootTime now) {
  std::vector<Pinhole> pinholes;
  for (const Element& element : elements)
    if (const auto pinhole = pinhole_of(set, element, now)) pinholes.push_back(*pinhole);
  return pinholes;
}

// What open() is refused with when a set, a chain or an element is there and differs.
bool is_difference(int error) {
  return error == EEXIST || error == EBUSY || error == EINVAL;
}

}  // namespace

std::expected<void, NatError> NftTable::open_socket() {
  if (socket_) return {};
  auto socket = NlSocket::open(NETLINK_NETFILTER);
  if (!socket) return std::unexpected(nat_error(socket.error()));
  socket_.emplace(*std::move(socket));
  return {};
}

std::expected<void, NatError> NftTable::apply(NftBatch& batch, Retry retry) {
  if (batch.is_empty()) return {};
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  const auto bytes = batch.finish();
  for (int attempts_left = 5;; --attempts_left) {
    const auto sent = socket_->send_batch(bytes);
    if (sent) return {};
    const auto [error, sequence] = sent.error();
    const bool interrupted = error == EINTR || error == EAGAIN || error == ERESTART;
    const bool missing = error == ENOENT && retry == Retry::InterruptedOrMissing;
    if (attempts_left == 0 || !(interrupted || missing))
      return std::unexpected(NatError{error, batch.describe(sequence)});
  }
}

std::expected<TableOrigin, NatError> NftTable::open() {
  surroundings_.reset();
  if (auto opened = open_socket(); !opened) return std::unexpected(opened.error());
  // Any set tells whether there is a table; this one is small.
  const TableOrigin origin =
      elements_in(kWanInterfaces) ? TableOrigin::TakenOver : TableOrigin::Made;
  NftBatch batch;
  add_layout(batch);
  auto applied = apply(batch);
  if (!applied && is_difference(applied.error().error)) return rebuild();
  if (!applied) return std::unexpected(applied.error());
  return origin;
}

// One transaction: when the kernel refuses the new table, the old one and its mappings stay. What
// the old one does not have, or has in another form, is left behind.
std::expected<TableOrigin, NatError> NftTable::rebuild() {
  constexpr BootTime kThen{};  // any moment does: only what is left of each lease counts
  const auto add_new_table = [](NftBatch& batch) {
    batch.add_table();  // so that there is one to delete
    batch.delete_table();
    add_layout(batch);
  };
  NftBatch with_mappings;
  add_new_table(with_mappings);
  const ChangeWriter writer{with_mappings, kThen};
  const auto elements_or_none = [this](const char* set) {
    return elements_in(set).value_or(std::vector<Element>{});
  };
  for (const MappingMap& map : kMappingMaps)
    for (const PortMapping& mapping : mappings_of(map, elements_or_none(map.name), kThen))
      writer(AddMapping{mapping});
  for (const OutwardMapping& outward :
       outward_mappings_of(elements_or_none(kSourcePorts), elements_or_none(kMappedClients), kThen))
    writer(AddOutward{outward});
  for (const char* const set : kPinholeSets)
    for (const Pinhole& pinhole : pinholes_of(set, elements_or_none(set), kThen))
      writer(OpenPinhole{pinhole});
  if (apply(with_mappings)) return TableOrigin::TakenOver;
  NftBatch empty;
  add_new_table(empty);
  if (auto applied = apply(empty); !applied) return std::unexpected(applied.error());
  return TableOrigin::Made;
}

// Before kernel 6.8 an element can expire in the middle of a batch, between the two messages of
// its removal, which is then refused with ENOENT. It has expired for good the next time.
std::expected<void, NatError> NftTable::commit(std::span<const NatChange> changes, BootTime now) {
  NftBatch batch;
  const ChangeWriter writer{batch, now, counted_by_renewed(changes)};
  for (const NatChange& change : changes)
    std::visit(writer, change);
  return apply(batch, Retry::InterruptedOrMissing);
}

std::map<PinholeKey, TrafficCounters> NftTable::counted_by_renewed(
    std::span<const NatChange> changes) {
  std::map<PinholeKey, UniqueId> closed;
  Counted counted;
  for (const NatChange& change : changes) {
    if (const auto* const close = std::get_if<ClosePinhole>(&change))
      closed.insert_or_assign(close->pinhole.key, close->pinhole.id);
    const auto* const open = std::get_if<OpenPinhole>(&change);
    if (open == nullptr) continue;
    const auto before = closed.find(open->pinhole.key);
    if (before == closed.end() || before->second != open->pinhole.id) continue;
    if (const auto traffic = pinhole_traffic(open->pinhole.key))
      counted.emplace(open->pinhole.key, *traffic);
  }
  return counted;
}

std::expected<void, NatError> NftTable::set_surroundings(const NatSurroundings& surroundings) {
  if (surroundings_ == surroundings) return {};
  const auto contents = surroundings_elements_of(surroundings);
  if (!contents) return std::unexpected(contents.error());
  NftBatch batch;
  for (const auto& [set, elements] : *contents) {
    batch.flush_set(set);
    for (const Element& element : elements)
      batch.add_element(set, element, Existing::Kept);
  }
  surroundings_.reset();
  if (auto applied = apply(batch); !applied) return applied;
  surroundings_ = surroundings;
  return {};
}

std::expected<std::vector<Element>, NatError> NftTable::elements_in(const char* set) {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  auto elements = dump_elements(*socket_, set);
  if (!elements) return std::unexpected(nat_error(elements.error()));
  return *std::move(elements);
}

std::expected<std::vector<PortMapping>, NatError> NftTable::read_back(BootTime now) {
  std::vector<PortMapping> mappings;
  for (const MappingMap& map : kMappingMaps) {
    const auto elements = elements_in(map.name);
    if (!elements) return std::unexpected(elements.error());
    std::ranges::move(mappings_of(map, *elements, now), std::back_inserter(mappings));
  }
  return mappings;
}

std::expected<std::vector<OutwardMapping>, NatError> NftTable::read_back_outward(BootTime now) {
  const auto source_ports = elements_in(kSourcePorts);
  if (!source_ports) return std::unexpected(source_ports.error());
  const auto mapped_clients = elements_in(kMappedClients);
  if (!mapped_clients) return std::unexpected(mapped_clients.error());
  return outward_mappings_of(*source_ports, *mapped_clients, now);
}

std::expected<std::vector<Pinhole>, NatError> NftTable::read_back_pinholes(BootTime now) {
  std::vector<Pinhole> pinholes;
  for (const char* const set : kPinholeSets) {
    const auto elements = elements_in(set);
    if (!elements) return std::unexpected(elements.error());
    std::ranges::move(pinholes_of(set, *elements, now), std::back_inserter(pinholes));
  }
  return pinholes;
}

std::expected<TrafficCounters, NatError> NftTable::pinhole_traffic(const PinholeKey& key) {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  const auto element = find_element(*socket_, set_of(key), fields_of(key));
  if (!element) return std::unexpected(nat_error(element.error()));
  return element->traffic;
}

std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> NftTable::counters() {
  std::map<PortMappingKey, TrafficCounters> counters;
  for (const MappingMap& map : kMappingMaps) {
    const auto elements = elements_in(map.name);
    if (!elements) return std::unexpected(elements.error());
    for (const Element& element : *elements)
      if (const auto key = map.key_of(element)) counters.emplace(*key, element.traffic);
  }
  return counters;
}

std::expected<void, NatError> NftTable::close() {
  surroundings_.reset();
  if (auto opened = open_socket(); !opened) return opened;
  NftBatch batch;
  batch.delete_table();
  auto applied = apply(batch);
  if (!applied && applied.error().error == ENOENT) return {};
  return applied;
}

}  // namespace upnpd::kernel
