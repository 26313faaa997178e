#include "nft_table.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "mapping_elements.h"
#include "nft_batch.h"
#include "nft_dump.h"
#include "nft_inventory.h"
#include "pinhole_elements.h"
#include "surroundings_elements.h"

namespace upnpd::kernel {
namespace {

using Existing = NftBatch::Existing;

NatError nat_error(const NetlinkError& error) {
  return NatError{error.error, error.what};
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

std::chrono::milliseconds since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               then);
}

template <class Values>
void cut(Values& values, std::size_t size) {
  values.erase(values.begin() + static_cast<std::ptrdiff_t>(size), values.end());
}

// From kernel 6.12 on; refused by older ones. The table's owner is the socket that made it, and no
// other may change it, not even by flushing the ruleset; it stays when the owner ends.
constexpr std::uint32_t kOwner = 1u << 1;    // NFT_TABLE_F_OWNER
constexpr std::uint32_t kPersist = 1u << 2;  // NFT_TABLE_F_PERSIST

std::expected<void, NatError> add_surroundings(NftBatch& batch,
                                               const NatSurroundings& surroundings) {
  const auto contents = surroundings_elements_of(surroundings);
  if (!contents) return std::unexpected(contents.error());
  for (const auto& [set, elements] : *contents) {
    batch.flush_set(set);
    for (const Element& element : elements)
      batch.add_element(set, element, Existing::Kept);
  }
  return {};
}

}  // namespace

std::expected<void, NatError> NftTable::open_sockets() {
  if (socket_) return {};
  auto socket = NlSocket::open(NETLINK_NETFILTER);
  if (!socket) return std::unexpected(nat_error(socket.error()));
  socket_.emplace(*std::move(socket));
  if (table_flags() != 0) return {};  // nobody else can change it
  auto watch = TableWatch::open(socket_->port_id());
  if (!watch) return std::unexpected(nat_error(watch.error()));
  watch_.emplace(*std::move(watch));
  return {};
}

ForeignChange NftTable::foreign_change() {
  return watch_ ? watch_->drain() : ForeignChange::None;
}

// Asked by a batch that is refused in any case, so that nothing comes of it.
std::uint32_t NftTable::table_flags() {
  if (access_ == TableAccess::Everyones) return 0;
  if (!kernel_knows_owners_) {
    NftBatch batch;
    batch.add_table("upnpd-question", kOwner | kPersist);
    batch.delete_table("upnpd-answer");  // is not there
    const auto answer = socket_->send_batch(batch.finish());
    kernel_knows_owners_ = !answer && answer.error().sequence == 2;
  }
  return *kernel_knows_owners_ ? kOwner | kPersist : 0;
}

std::expected<void, NlSocket::Refusal> NftTable::send(std::span<const std::byte> batch) {
  constexpr std::size_t kLarge = 64 * 1024;  // some hundred changes
  const auto transaction = [&] { return socket_->send_batch(batch); };
  if (!watch_ || batch.size() < kLarge) return transaction();
  return watch_->in_silence(*socket_, transaction);
}

std::expected<void, NatError> NftTable::apply(NftBatch& batch, Retry retry) {
  if (batch.is_empty()) return {};
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  const auto bytes = batch.finish();
  for (int attempts_left = 5;; --attempts_left) {
    const auto sent = send(bytes);
    if (sent) return {};
    auto [error, sequence] = sent.error();
    if (error == ENFILE) error = ENOSPC;  // nf_tables' word for a set that is full
    const bool interrupted = error == EINTR || error == EAGAIN || error == ERESTART;
    const bool missing = error == ENOENT && retry == Retry::InterruptedOrMissing;
    if (attempts_left == 0 || !(interrupted || missing))
      return std::unexpected(NatError{error, batch.describe(sequence)});
  }
}

std::expected<TableOrigin, NatError> NftTable::open() {
  surroundings_.reset();
  if (auto opened = open_sockets(); !opened) return std::unexpected(opened.error());
  // Any set tells whether there is a table; this one is small.
  return elements_in(kWanInterfaces) ? TableOrigin::TakenOver : TableOrigin::Made;
}

void NftTable::add_layout(NftBatch& batch) {
  batch.add_table(kTable, table_flags());
  for (const SetDefinition& set : kSets)
    batch.add_set(set);
  for (const ChainDefinition& chain : kChains)
    batch.add_chain(chain);
  batch.flush_rules();
  for (const auto& rule : make_rules())
    batch.add_rule(*rule);
  // What is in these comes back within seconds.
  batch.flush_set(kSearchRate);
  batch.flush_set(kBegunFlows);
  // What follows from the mappings is written, not compared: reading 60 000 elements takes the
  // kernel ten times as long.
  batch.flush_set(kSourcePorts);
  batch.flush_set(kMappedClients);
}

std::expected<void, NatError> NftTable::rewrite(RewriteOf of,
                                                const std::optional<NatSurroundings>& surroundings,
                                                std::span<const NatChange> changes, BootTime now) {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  const auto strange = of == RewriteOf::Held ? has_strange_parts(*socket_) : false;
  if (!strange) return std::unexpected(nat_error(strange.error()));
  if (*strange) return std::unexpected(NatError{EEXIST, "the table has parts that are not ours"});

  NftBatch batch;
  if (of == RewriteOf::Nothing) {
    batch.add_table(kTable);  // so that there is one to delete
    batch.delete_table(kTable);
    strangers_.clear();
  }
  add_layout(batch);
  if (surroundings)
    if (auto added = add_surroundings(batch, *surroundings); !added) return added;
  for (const Stranger& stranger : strangers_)
    remove_element(batch, stranger.set, stranger.element);
  const ChangeWriter writer{batch, now};
  for (const NatChange& change : changes)
    std::visit(writer, change);

  surroundings_.reset();
  if (auto applied = apply(batch, Retry::InterruptedOrMissing); !applied) return applied;
  surroundings_ = surroundings;
  strangers_.clear();
  return {};
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
  NftBatch batch;
  if (auto added = add_surroundings(batch, surroundings); !added) return added;
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

std::expected<void, NatError> NftTable::visit(const char* set, const std::function<void()>& begin,
                                              const ElementVisit& function) {
  const std::size_t strangers = strangers_.size();
  const auto visited = until_uninterrupted([&] {
    cut(strangers_, strangers);
    begin();
    return visit_elements(*socket_, set, [&](Element& element) {
      // What is left of its time is as of this moment, and a long list takes a while.
      if (element.lifetime) *element.lifetime += since(reading_since_);
      function(element);
    });
  });
  if (visited || visited.error().error == ENOENT) return {};
  return std::unexpected(nat_error(visited.error()));
}

std::expected<void, NatError> NftTable::read_mappings(BootTime now, NatContents& contents) {
  for (const MappingMap& map : kMappingMaps) {
    const std::size_t before = contents.mappings.size();
    auto visited = visit(
        map.name, [&] { cut(contents.mappings, before); },
        [&](Element& element) {
          const auto key = map.key_of(element);
          auto mapping = key ? mapping_of(*key, element, now) : std::nullopt;
          if (mapping)
            contents.mappings.push_back(*std::move(mapping));
          else
            strangers_.push_back({map.name, element});
        });
    if (!visited) return visited;
  }
  return {};
}

std::expected<void, NatError> NftTable::read_pinholes(BootTime now, NatContents& contents) {
  for (const char* const set : kPinholeSets) {
    const std::size_t before = contents.pinholes.size();
    auto visited = visit(
        set, [&] { cut(contents.pinholes, before); },
        [&, set](Element& element) {
          if (const auto pinhole = pinhole_of(set, element, now))
            contents.pinholes.push_back(*pinhole);
          else
            strangers_.push_back({set, element});
        });
    if (!visited) return visited;
  }
  return {};
}

std::expected<NatContents, NatError> NftTable::read_back(BootTime now) {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  strangers_.clear();
  reading_since_ = std::chrono::steady_clock::now();
  NatContents contents;
  for (const auto read : {&NftTable::read_mappings, &NftTable::read_pinholes})
    if (auto done = (this->*read)(now, contents); !done) return std::unexpected(done.error());
  // The kernel's order is that of its hashes; whoever goes through them in this one is done sooner.
  std::ranges::sort(contents.mappings, {}, &PortMapping::key);
  return contents;
}

std::expected<TrafficCounters, NatError> NftTable::pinhole_traffic(const PinholeKey& key) {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  const auto element = find_element(*socket_, set_of(key), fields_of(key));
  if (!element) return std::unexpected(nat_error(element.error()));
  return element->traffic;
}

std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> NftTable::counters() {
  if (!socket_) return std::unexpected(NatError{ENOTCONN, "the table is not open"});
  std::map<PortMappingKey, TrafficCounters> counters;
  for (const MappingMap& map : kMappingMaps) {
    const auto visited = until_uninterrupted([&] {
      return visit_elements(*socket_, map.name, [&](const Element& element) {
        if (const auto key = map.key_of(element)) counters.insert_or_assign(*key, element.traffic);
      });
    });
    if (!visited) return std::unexpected(nat_error(visited.error()));
  }
  return counters;
}

std::expected<void, NatError> NftTable::close() {
  surroundings_.reset();
  if (auto opened = open_sockets(); !opened) return opened;
  NftBatch batch;
  batch.delete_table(kTable);
  auto applied = apply(batch);
  if (!applied && applied.error().error == ENOENT) return {};
  return applied;
}

}  // namespace upnpd::kernel
