#include "mapping_store.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "../core/builders.h"
#include "clock.h"
#include "fake_nat.h"
#include "log.h"
#include "temporary.h"

using namespace upnpd;
using namespace upnpd::core;
using namespace upnpd::gateway;
using namespace upnpd::gateway::test;
using namespace std::chrono_literals;

namespace {

using Fate = FakeKernel::Fault::Fate;

NatSurroundings a_home() {
  return {{"wan"}, {at("203.0.113.1")}, {}};
}

Config config_in(const TemporaryDirectory& directory) {
  Config config;
  config.end_flows = false;
  config.lease_file = directory / "leases";
  config.policy = usual_policy();
  config.policy.limits.requests_per_second = 0;
  return config;
}

// A store over a fake kernel, and what the three of them hold.
struct Home {
  TemporaryDirectory directory;
  base::Loop loop;
  Config config = config_in(directory);
  FakeKernel kernel;
  FakeNat* nat = nullptr;
  std::unique_ptr<MappingStore> store;
  std::uint64_t next_request = 1;

  Home() {
    base::set_up_log({"unit", true, false});
    start();
  }

  void start() {
    auto fake = std::make_unique<FakeNat>(kernel);
    nat = fake.get();
    store = std::make_unique<MappingStore>(loop, config, std::move(fake),
                                           *kernel::FlowEnder::open(), [] {});
    const auto opened = store->open();
    const std::string why = opened ? "" : opened.error();
    INFO(why);
    REQUIRE(opened);
    store->mapper().set_surroundings(home());
    store->set_surroundings(a_home());
  }

  bool add(std::uint16_t port) {
    const BootTime now = base::boot_now();
    return store->carry_out(
        store->mapper().handle(a_request().from(kPc).tcp(port, port).add(), now), now);
  }
  bool remove(std::uint16_t port) {
    const BootTime now = base::boot_now();
    return store->carry_out(
        store->mapper().handle(a_request().from(kPc).tcp(port, port).remove(), now), now);
  }
  // Lets the loop run, so that what is planned happens.
  void run(std::chrono::milliseconds time) {
    base::Timer end(loop, [this] { loop.stop(); });
    end.start(time);
    loop.run();
  }

  std::vector<std::uint16_t> in_memory() const {
    std::vector<std::uint16_t> ports;
    store->mapper().table().for_each(
        [&](const PortMapping& m) { ports.push_back(m.key.external_port.number()); });
    return ports;
  }
  std::vector<std::uint16_t> in_kernel() const {
    std::vector<std::uint16_t> ports;
    for (const auto& [key, mapping] : kernel.mappings)
      ports.push_back(key.external_port.number());
    return ports;
  }
  std::vector<std::uint16_t> in_journal() const {
    std::vector<std::uint16_t> ports;
    for (const PortMapping& m : Journal(config.lease_file).read(base::boot_now()).mappings)
      ports.push_back(m.key.external_port.number());
    std::ranges::sort(ports);
    return ports;
  }
  // All three hold exactly these.
  void check_all_hold(const std::vector<std::uint16_t>& ports) const {
    CHECK(in_memory() == ports);
    CHECK(in_kernel() == ports);
    CHECK(in_journal() == ports);
    CHECK(kernel.outward.size() == ports.size());
    CHECK(kernel.has_table);
    CHECK(kernel.surroundings == a_home());
  }
};

}  // namespace

TEST_SUITE("mapping_store") {
  TEST_CASE("a refusal by a kernel that is full or busy costs one change and nothing else") {
    for (const int error : {ENOSPC, ENOMEM, EINTR, EAGAIN, ENOBUFS, EPERM}) {
      CAPTURE(error);
      Home home;
      REQUIRE(home.add(8080));
      home.kernel.write_faults = {{error}};
      CHECK_FALSE(home.add(8081));
      home.check_all_hold({8080});
      CHECK_FALSE(home.store->kernel_fault().empty());
      CHECK(home.add(8082));
      home.check_all_hold({8080, 8082});
      CHECK(home.store->kernel_fault().empty());
      home.kernel.write_faults = {{error}};
      CHECK_FALSE(home.remove(8080));
      home.check_all_hold({8080, 8082});
      CHECK(home.kernel.rewrites == 1);  // at the start
    }
  }

  TEST_CASE("a refusal that says the kernel holds something else is made good at once") {
    for (const int error : {ENOENT, EEXIST, EBUSY}) {
      CAPTURE(error);
      Home home;
      REQUIRE(home.add(8080));
      home.kernel.write_faults = {{error}};
      CHECK(home.add(8081));
      home.check_all_hold({8080, 8081});
      home.kernel.write_faults = {{error}, {error}, {error}};
      CHECK_FALSE(home.add(8082));
      home.run(100ms);
      home.check_all_hold({8080, 8081});
    }
  }

  TEST_CASE("a map that is full takes what fits") {
    Home home;
    home.kernel.room = 2;
    CHECK(home.add(8080));
    CHECK(home.add(8081));
    CHECK_FALSE(home.add(8082));
    home.check_all_hold({8080, 8081});
    CHECK(home.remove(8080));
    CHECK(home.add(8082));
    home.check_all_hold({8081, 8082});
  }

  TEST_CASE("a lost acknowledgement is no loss, whether the kernel took the change or not") {
    for (const Fate fate : {Fate::Taken, Fate::Refused}) {
      CAPTURE(int(fate));
      Home home;
      REQUIRE(home.add(8080));
      home.kernel.write_faults = {{EPROTO, fate}};
      CHECK(home.add(8081));
      home.check_all_hold({8080, 8081});
      home.kernel.write_faults = {{EPROTO, fate}};
      CHECK(home.remove(8080));
      home.check_all_hold({8081});
      CHECK(home.store->kernel_fault().empty());
    }
  }

  TEST_CASE("nothing is known and nothing can be written: the change fails, and is undone later") {
    for (const Fate fate : {Fate::Taken, Fate::Refused}) {
      CAPTURE(int(fate));
      Home home;
      REQUIRE(home.add(8080));
      home.kernel.write_faults = {{EPROTO, fate}, {ENOMEM}, {ENOMEM}};
      CHECK_FALSE(home.add(8081));
      CHECK(home.in_memory() == std::vector<std::uint16_t>{8080});
      home.run(100ms);
      home.check_all_hold({8080});
      CHECK(home.add(8081));
      home.check_all_hold({8080, 8081});
    }
  }

  TEST_CASE("what cannot be read back is read again") {
    Home home;
    REQUIRE(home.add(8080));
    home.kernel.write_faults = {{EPROTO, Fate::Taken}};
    home.kernel.read_faults = {ENOBUFS, EINTR};
    CHECK_FALSE(home.add(8081));
    home.run(200ms);
    home.check_all_hold({8080});
    CHECK(home.store->kernel_fault().empty());
  }

  TEST_CASE("a table that is gone, or holds something else, is made to agree by the next change") {
    Home home;
    REQUIRE(home.add(8080));
    home.kernel.lose_table();
    CHECK(home.add(8081));
    home.check_all_hold({8080, 8081});
    PortMapping strange = a_mapping().tcp(8082, 22).to(kConsole).id(0);
    home.kernel.mappings.emplace(strange.key, strange);
    CHECK(home.add(8082));
    home.check_all_hold({8080, 8081, 8082});
    home.kernel.mappings.find(strange.key)->second.client = strange.client;
    CHECK(home.remove(8082));
    home.check_all_hold({8080, 8081});
  }

  TEST_CASE("a change by others is put right, with one rewrite for many events") {
    Home home;
    REQUIRE(home.add(8080));
    for (const ForeignChange change : {ForeignChange::Ours, ForeignChange::Lost}) {
      const int rewrites = home.kernel.rewrites;
      home.kernel.lose_table();
      for (int i = 0; i < 5; ++i)
        home.nat->tell(change);
      home.run(100ms);
      home.check_all_hold({8080});
      CHECK(home.kernel.rewrites == rewrites + 1);
    }
  }

  TEST_CASE("a repair that the kernel refuses is tried again, and forgets no mapping") {
    Home home;
    REQUIRE(home.add(8080));
    home.kernel.lose_table();
    home.kernel.write_faults = {{ENOMEM}, {ENOMEM}, {ENOSPC}, {ENOSPC}};
    home.nat->tell(ForeignChange::Ours);
    home.run(40ms);
    CHECK(home.in_memory() == std::vector<std::uint16_t>{8080});
    home.run(200ms);
    home.check_all_hold({8080});
  }

  TEST_CASE("a table that is changed again and again is repaired ever more seldom") {
    Home home;
    REQUIRE(home.add(8080));
    for (int i = 0; i < 100; ++i) {
      home.kernel.lose_table();
      home.nat->tell(ForeignChange::Ours);
      home.run(10ms);
    }
    CHECK(home.kernel.rewrites >= 1 + RepairPace::kAtOnce);
    CHECK(home.kernel.rewrites <= 1 + RepairPace::kAtOnce + 3);
    CHECK(home.store->kernel_fault().find("growing pauses") != std::string::npos);
    const int rewrites = home.kernel.rewrites;
    CHECK_FALSE(home.add(8081));  // and no client makes it more often
    CHECK(home.kernel.rewrites == rewrites);
    home.run(1500ms);
    home.check_all_hold({8080});
  }

  TEST_CASE("a start with a kernel that takes nothing fails, and leaves the journal as it is") {
    Home home;
    REQUIRE(home.add(8080));
    home.kernel.lose_table();
    home.kernel.write_faults = {{EPERM}, {EPERM}, {EPERM}};
    home.store.reset();
    MappingStore store(home.loop, home.config, std::make_unique<FakeNat>(home.kernel),
                       *kernel::FlowEnder::open(), [] {});
    CHECK_FALSE(store.open());
    CHECK(home.in_journal() == std::vector<std::uint16_t>{8080});
  }

  TEST_CASE(
      "at the start a mapping that the kernel has no room for is left out, the others are in") {
    Home home;
    for (std::uint16_t port = 8080; port <= 8082; ++port)
      REQUIRE(home.add(port));
    home.store.reset();
    home.kernel.lose_table();
    home.kernel.room = 2;
    home.start();
    CHECK(home.in_kernel().size() == 2);
    CHECK(home.in_memory() == home.in_kernel());
    CHECK(home.in_journal() == home.in_kernel());
  }

  TEST_CASE("an element that others put in is not adopted at the start") {
    Home home;
    REQUIRE(home.add(8080));
    home.store.reset();
    PortMapping strange = a_mapping().tcp(22, 22).to(kConsole).id(0);
    home.kernel.mappings.emplace(strange.key, strange);
    home.start();
    home.check_all_hold({8080});
  }
}
