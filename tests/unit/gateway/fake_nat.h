// A kernel's NAT with a memory, and a script of what goes wrong.
#pragma once

#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <set>

#include "upnpd/nat.h"

namespace upnpd::gateway::test {

// What a test still sees after a store has taken the FakeNat.
struct FakeKernel {
  // One write (a commit or a rewrite) that goes wrong with `error`. Taken: it came true all the
  // same, as when only the answer was lost.
  struct Fault {
    int error;
    enum class Fate { Refused, Taken } fate = Fate::Refused;
  };
  std::deque<Fault> write_faults;
  std::deque<int> read_faults;
  std::size_t room = SIZE_MAX;  // for so many mappings
  int commits = 0, rewrites = 0;

  bool has_table = false;
  std::map<PortMappingKey, PortMapping> mappings;
  std::map<Endpoint, OutwardMapping> outward;
  std::map<PinholeKey, Pinhole> pinholes;
  std::optional<NatSurroundings> surroundings;
  ForeignChange foreign = ForeignChange::None;

  void lose_table() {
    has_table = false;
    mappings.clear();
    outward.clear();
    pinholes.clear();
  }
};

class FakeNat : public Nat {
 public:
  explicit FakeNat(FakeKernel& kernel) : kernel_(kernel) { (void)!::pipe(pipe_.data()); }
  ~FakeNat() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }

  std::expected<TableOrigin, NatError> open() override {
    return kernel_.has_table ? TableOrigin::TakenOver : TableOrigin::Made;
  }
  std::expected<void, NatError> commit(std::span<const NatChange> changes, BootTime) override {
    ++kernel_.commits;
    return write(kernel_, changes);
  }
  std::expected<void, NatError> rewrite(RewriteOf of,
                                        const std::optional<NatSurroundings>& surroundings,
                                        std::span<const NatChange> changes, BootTime) override {
    ++kernel_.rewrites;
    FakeKernel after = kernel_;
    if (of == RewriteOf::Nothing) after.lose_table();
    after.outward.clear();
    after.has_table = true;
    if (surroundings) after.surroundings = surroundings;
    return write(std::move(after), changes);
  }
  std::expected<void, NatError> set_surroundings(const NatSurroundings& surroundings) override {
    if (!kernel_.has_table) return std::unexpected(NatError{ENOENT, "surroundings"});
    kernel_.surroundings = surroundings;
    return {};
  }
  std::expected<NatContents, NatError> read_back(BootTime) override {
    if (!kernel_.read_faults.empty()) {
      const int error = kernel_.read_faults.front();
      kernel_.read_faults.pop_front();
      return std::unexpected(NatError{error, "read"});
    }
    NatContents contents;
    for (const auto& [key, mapping] : kernel_.mappings)
      contents.mappings.push_back(mapping);
    for (const auto& [key, pinhole] : kernel_.pinholes)
      contents.pinholes.push_back(pinhole);
    return contents;
  }
  std::expected<TrafficCounters, NatError> pinhole_traffic(const PinholeKey&) override {
    return {};
  }
  std::expected<std::map<PortMappingKey, TrafficCounters>, NatError> counters() override {
    return {};
  }
  std::expected<void, NatError> close() override {
    kernel_.lose_table();
    return {};
  }
  std::optional<int> watch_fd() const override { return pipe_[0]; }
  ForeignChange foreign_change() override {
    char byte = 0;
    if (kernel_.foreign != ForeignChange::None) (void)!::read(pipe_[0], &byte, 1);
    return std::exchange(kernel_.foreign, ForeignChange::None);
  }
  // Another program has changed something.
  void tell(ForeignChange change) {
    if (kernel_.foreign == ForeignChange::None) (void)!::write(pipe_[1], "x", 1);
    kernel_.foreign = change;
  }

 private:
  // Puts a change into a kernel; errno.
  struct Writer {
    FakeKernel& kernel;
    int operator()(const AddMapping& c) const {
      if (kernel.mappings.size() >= kernel.room) return ENOSPC;
      return kernel.mappings.emplace(c.mapping.key, c.mapping).second ? 0 : EEXIST;
    }
    int operator()(const RemoveMapping& c) const {
      const auto found = kernel.mappings.find(c.mapping.key);
      if (found != kernel.mappings.end() && found->second.client != c.mapping.client) return EBUSY;
      kernel.mappings.erase(c.mapping.key);
      return 0;
    }
    int operator()(const AddOutward& c) const {
      return kernel.outward.emplace(c.outward.endpoint, c.outward).second ? 0 : EEXIST;
    }
    int operator()(const RemoveOutward& c) const {
      kernel.outward.erase(c.outward.endpoint);
      return 0;
    }
    int operator()(const OpenPinhole& c) const {
      return kernel.pinholes.emplace(c.pinhole.key, c.pinhole).second ? 0 : EEXIST;
    }
    int operator()(const ClosePinhole& c) const {
      kernel.pinholes.erase(c.pinhole.key);
      return 0;
    }
  };

  std::expected<void, NatError> write(FakeKernel after, std::span<const NatChange> changes) {
    FakeKernel::Fault fault{0};
    if (!kernel_.write_faults.empty()) {
      fault = kernel_.write_faults.front();
      kernel_.write_faults.pop_front();
      after.write_faults.pop_front();
    }
    if (fault.error != 0 && fault.fate == FakeKernel::Fault::Fate::Refused)
      return std::unexpected(NatError{fault.error, "write"});
    if (!after.has_table) return std::unexpected(NatError{ENOENT, "write"});
    for (const NatChange& change : changes)
      if (const int error = std::visit(Writer{after}, change))
        return std::unexpected(NatError{error, "write"});
    kernel_ = std::move(after);
    if (fault.error != 0) return std::unexpected(NatError{fault.error, "write"});
    return {};
  }

  FakeKernel& kernel_;
  std::array<int, 2> pipe_{-1, -1};
};

}  // namespace upnpd::gateway::test
