// Pinholes in the real kernel: put in, read back, renewed, counted, and packets through them.
#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "builders.h"
#include "lab.h"
#include "neighbour_table.h"
#include "nft_table.h"

using namespace upnpd;
using namespace upnpd::kernel;
using namespace upnpd::kernel::test;

namespace {

std::expected<void, NatError> commit(Nat& nat, std::vector<NatChange> changes) {
  return nat.commit(changes, kNow);
}

std::vector<Pinhole> pinholes_of(Nat& nat) {
  auto contents = nat.read_back(kNow);
  REQUIRE(contents);
  std::ranges::sort(contents->pinholes, {}, &Pinhole::id);
  return std::move(contents->pinholes);
}

// An internet host 2001:db8:f::9, this namespace as a router that drops what is not marked, and
// 2001:db8:77::10 on its LAN.
struct Ipv6Home {
  Host internet, client;
  FreshTable table;

  Ipv6Home() {
    const std::string made = output_of(
        "set -e\n"
        "ip link set lo up\n"
        "sysctl -qw net.ipv6.conf.all.forwarding=1\n"
        // Nobody waits a second for whoever may have the same address.
        "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0\n"
        "ip link add wan0 type veth peer name eth0 netns " +
        internet.path() + "\nip link add lan0 type veth peer name eth0 netns " + client.path() +
        "\nip link set wan0 up; ip link set lan0 up\n"
        "ip addr add 2001:db8:f::1/64 dev wan0 nodad; ip addr add 2001:db8:77::1/64 dev lan0 "
        "nodad\n"
        "nft -f - <<'X'\ntable inet other {\n"
        "  chain forward { type filter hook forward priority filter; policy drop;\n"
        "    ct state established,related accept\n"
        "    meta mark 0x55506e50 accept\n  }\n}\nX");
    INFO(made);
    REQUIRE(made == "");
    set_up(internet, "2001:db8:f::9/64", "2001:db8:f::1");
    set_up(client, "2001:db8:77::10/64", "2001:db8:77::1");
    REQUIRE(table.nat.set_surroundings({{"wan0"}, {}, {}}));
  }
  Ipv6Home(const Ipv6Home&) = delete;
  Ipv6Home& operator=(const Ipv6Home&) = delete;
  ~Ipv6Home() { output_of("nft delete table inet other; ip link del wan0; ip link del lan0"); }

  static void set_up(const Host& host, const std::string& own, const std::string& router) {
    CHECK(
        host.output_of("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0;"
                       "ip link set lo up; ip link set eth0 up; ip addr add " +
                       own + " dev eth0 nodad; ip route add default via " + router) == "");
  }

  // How many of three datagrams from `port` reach the client's port 4000.
  int arriving_from(std::uint16_t port) const {
    const std::string to_count =
        "nft -f - <<'X'\ntable ip6 seen { counter in {}\n chain input { type filter hook input "
        "priority 0; udp dport 4000 counter name in; }\n}\nX";
    CHECK(client.output_of(to_count) == "");
    internet.run([port] {
      const int fd = ::socket(AF_INET6, SOCK_DGRAM, 0);
      sockaddr_in6 own{.sin6_family = AF_INET6, .sin6_port = htons(port)};
      ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own);
      sockaddr_in6 to{.sin6_family = AF_INET6, .sin6_port = htons(4000)};
      ::inet_pton(AF_INET6, "2001:db8:77::10", &to.sin6_addr);
      for (int i = 0; i < 3; ++i)
        ::sendto(fd, "hello", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      ::close(fd);
    });
    std::this_thread::sleep_for(100ms);
    const std::string seen =
        client.output_of("nft list counter ip6 seen in; nft delete table ip6 seen");
    const auto at = seen.find("packets ");
    return at == std::string::npos ? -1 : std::stoi(seen.substr(at + 8));
  }
};

}  // namespace

TEST_SUITE("pinholes") {
  TEST_CASE("pinholes of every kind are read back as they were put in, by the next upnpd too") {
    FreshTable table;
    const auto pinholes = pinholes_of_every_kind();
    std::vector<NatChange> changes;
    for (const Pinhole& pinhole : pinholes)
      changes.emplace_back(OpenPinhole{pinhole});
    REQUIRE(commit(table.nat, changes));
    NftTable next{TableAccess::Everyones};
    CHECK(make_table(next) == TableOrigin::TakenOver);
    const auto back = pinholes_of(next);
    REQUIRE(back.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(back[i].key == pinholes[i].key);
      CHECK(back[i].id == pinholes[i].id);
      CHECK(back[i].host == pinholes[i].host);
      CHECK(back[i].expires <= pinholes[i].expires + 20ms);
      CHECK(back[i].expires > pinholes[i].expires - 2s);
    }
  }

  TEST_CASE("one that has expired by itself is closed all the same, and can be opened again") {
    FreshTable table;
    Pinhole pinhole = a_pinhole();
    pinhole.expires = kNow + 30ms;
    REQUIRE(commit(table.nat, {OpenPinhole{pinhole}}));
    std::this_thread::sleep_for(100ms);
    CHECK(pinholes_of(table.nat).empty());
    CHECK(table.nat.pinhole_traffic(pinhole.key).error().error == ENOENT);
    CHECK(commit(table.nat, {ClosePinhole{pinhole}, OpenPinhole{a_pinhole()}}));
    CHECK(pinholes_of(table.nat).size() == 1);
    CHECK(commit(table.nat, {ClosePinhole{a_pinhole()}}));
    CHECK(pinholes_of(table.nat).empty());
  }

  TEST_CASE("packets pass a dropping firewall by a pinhole, are counted, and renewal counts on") {
    if (!has_command("ip") || !has_command("nft")) return;
    Ipv6Home home;
    CHECK(home.arriving_from(6000) == 0);
    REQUIRE(commit(home.table.nat, {OpenPinhole{a_pinhole()}}));
    CHECK(home.arriving_from(6000) == 3);
    CHECK(home.table.nat.pinhole_traffic(a_pinhole().key)->packets == 3);
    Pinhole renewed = a_pinhole();
    renewed.expires += 1h;
    REQUIRE(commit(home.table.nat, {ClosePinhole{a_pinhole()}, OpenPinhole{renewed}}));
    CHECK(home.table.nat.pinhole_traffic(a_pinhole().key)->packets == 3);
    CHECK(home.arriving_from(6001) == 3);
    CHECK(home.table.nat.pinhole_traffic(a_pinhole().key)->packets == 6);
    REQUIRE(commit(home.table.nat, {ClosePinhole{renewed}}));
    CHECK(home.arriving_from(6002) == 0);
  }

  TEST_CASE("a remote host or port that is named is the only one served") {
    if (!has_command("ip") || !has_command("nft")) return;
    Ipv6Home home;
    const auto pinholes = pinholes_of_every_kind();
    for (std::size_t i = 1; i < 4; ++i) {
      INFO(i);
      const bool by_port = !pinholes[i].key.remote_port.is_any();
      REQUIRE(commit(home.table.nat, {OpenPinhole{pinholes[i]}}));
      CHECK(home.arriving_from(6000) == 3);
      CHECK(home.arriving_from(static_cast<std::uint16_t>(6100 + i)) == (by_port ? 0 : 3));
      CHECK(home.table.nat.pinhole_traffic(pinholes[i].key)->packets == (by_port ? 3 : 6));
      REQUIRE(commit(home.table.nat, {ClosePinhole{pinholes[i]}}));
    }
    Pinhole other = pinholes[2];
    other.key.remote_host =
        PinholeRemoteHost::parse(Ipv6Address::parse("2001:db8:f::a").value()).value();
    REQUIRE(commit(home.table.nat, {OpenPinhole{other}}));
    CHECK(home.arriving_from(6200) == 0);
  }

  TEST_CASE("a neighbour that is solicited is soon known by its hardware address") {
    if (!has_command("ip") || !has_command("nft")) return;
    Ipv6Home home;
    auto neighbours = NeighbourTable::open();
    REQUIRE(neighbours);
    const auto client = Ipv6Address::parse("2001:db8:77::10").value();
    const auto known = [&] {
      const auto all = neighbours->snapshot();
      REQUIRE(all);
      return std::ranges::any_of(*all, [&](const NeighbourMessage& neighbour) {
        const auto* const address = std::get_if<Ipv6Address>(&neighbour.address);
        return address != nullptr && *address == client;
      });
    };
    output_of("ip -6 neigh flush all");
    CHECK_FALSE(known());
    const int lan = std::stoi(output_of("ip -o link show lan0"));
    REQUIRE(neighbours->ask(lan, client));
    bool came = false;
    for (int i = 0; i < 100 && !came; ++i) {
      std::this_thread::sleep_for(20ms);
      came = known();
    }
    CHECK(came);
  }
}
