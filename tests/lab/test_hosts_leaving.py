"""A LAN host leaves: its ports do not stay open for whoever has its address next."""

import socket
import struct
import time

import pytest

from daemon import Upnpd
from igd_client import WAN_IP_2, SoapFault, find_igd
from namespace import wait_until
from networks import Alias
from traffic import UdpEcho, WebServer, fetch, is_closed, udp_passes

# The kernel asks three times, a second apart.
ASKED = 5


@pytest.fixture
def home(make_lab):
    lab = make_lab()
    yield lab
    lab.remove()


def mac_of(host):
    return host.run("cat", "/sys/class/net/eth0/address", check=True).stdout.strip()


def replace_pc1(home, announce=True):
    """pc1 leaves, and pc2 takes its address."""
    home.wires.ip("link set pc1.eth0 down\n")
    home.pc2.ip("addr flush dev eth0\naddr add 192.168.77.10/24 dev eth0\nroute add default via 192.168.77.1\n")
    home.pc2.address = home.pc1.address
    if announce:
        say_arp(home.pc2, home.pc1.address, mac_of(home.pc2))


def say_arp(host, address, mac, operation=2):
    """A gratuitous ARP reply: `address` is at `mac`, it says."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    packet = (b"\xff" * 6 + hardware + b"\x08\x06"
              + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + hardware + socket.inet_aton(address)
              + b"\xff" * 6 + socket.inet_aton(address))
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        raw.send(packet)


def test_the_mappings_of_an_address_that_another_host_has_now_go(home, closing):
    upnpd = Upnpd(home).start()
    closing(WebServer(home.pc1, 80, "first"))
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80, lease=3600)
    assert {m["host"] for m in upnpd.mappings()} == {mac_of(home.pc1)}
    find_igd(home.pc2).add(8082, 80)
    assert fetch(home.inet1, home.wan_address, 8080) == "first"
    # What the router knows is older than the second in which it believes nobody else.
    time.sleep(1.1)
    replace_pc1(home)
    closing(WebServer(home.pc2, 80, "second"))
    wait_until(lambda: len(upnpd.mappings()) == 1, ASKED, lambda: f"they go\n{upnpd.log()}")
    assert [m["external_port"] for m in upnpd.mappings()] == [8082]
    assert is_closed(home.inet1, home.wan_address, 8080) and is_closed(home.inet1, home.wan_address, 8081)
    assert f"{home.pc1.address} is another host now, {mac_of(home.pc2)}" in upnpd.log()


def test_a_host_that_asks_by_anothers_address_has_not_that_ones_mappings(home, closing):
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    time.sleep(1.1)
    replace_pc1(home, announce=False)
    home.router.run("ip", "neigh", "del", home.pc1.address, "dev", "lan")
    wait_until(lambda: find_igd(home.pc2, timeout=0.3), 5, "it is served").add(8081, 80)
    wait_until(lambda: [m["external_port"] for m in upnpd.mappings()] == [8081], ASKED,
               lambda: f"the former one's goes\n{upnpd.log()}")
    assert upnpd.mappings()[0]["host"] == mac_of(home.pc2)


def test_who_only_says_that_an_address_is_his_drops_nothing(home, closing):
    upnpd = Upnpd(home).start()
    closing(WebServer(home.pc1, 80, "first"))
    find_igd(home.pc1).add(8080, 80)
    for _ in range(3):
        time.sleep(1.1)
        say_arp(home.pc2, home.pc1.address, mac_of(home.pc2))
    time.sleep(ASKED)
    assert len(upnpd.mappings()) == 1
    assert fetch(home.inet1, home.wan_address, 8080) == "first"
    assert "another host" not in upnpd.log()


def add_error(igd, *arguments, **named):
    try:
        igd.add(*arguments, **named)
    except SoapFault as fault:
        return fault.code
    return 0


def move_pc1(home, address):
    """DHCP gives pc1 another address."""
    home.pc1.ip(f"addr flush dev eth0\naddr add {address}/24 brd + dev eth0\nroute add default via 192.168.77.1\n")
    home.pc1.address = address


def test_a_host_with_another_address_has_its_ports_again(home):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80, lease=3600)
    move_pc1(home, "192.168.77.11")
    igd = wait_until(lambda: find_igd(home.pc1, timeout=0.3), 5, "it is served")
    assert add_error(igd, 8080, 80) == 718, "the former address is looked for first"
    wait_until(lambda: add_error(igd, 8080, 80) == 0, ASKED, lambda: f"nobody answers there\n{upnpd.log()}")
    assert [(m["external_port"], m["client"]) for m in upnpd.mappings()] == [(8080, "192.168.77.11")]
    assert f"192.168.77.10 is 192.168.77.11 now, {mac_of(home.pc1)}" in upnpd.log()


def test_a_host_that_answers_by_both_addresses_keeps_what_it_has(home):
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    igd = find_igd(Alias(home.pc1, "192.168.77.11"))
    for _ in range(2):
        assert add_error(igd, 8080, 80) == 718
        time.sleep(ASKED)
    assert [m["client"] for m in upnpd.mappings()] == ["192.168.77.10"]


@pytest.mark.parametrize("third", ["has a mapping", "talks"])
def test_nobody_takes_over_by_a_hardware_address_that_several_have(home, third):
    """As behind a repeater that answers ARP for its hosts, here pc1."""
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    caller, other = Alias(home.pc1, "192.168.77.11"), Alias(home.pc1, "192.168.77.12")
    if third == "has a mapping":
        find_igd(other).add(8081, 80)
    home.pc1.ip("addr flush dev eth0\naddr add 192.168.77.11/24 dev eth0\naddr add 192.168.77.12/24 dev eth0\n"
                "route add default via 192.168.77.1\n")
    igd = wait_until(lambda: find_igd(caller, timeout=0.3), 5, "it is served")
    for _ in range(ASKED * 2):
        if third == "talks":
            home.router.run("ping", "-c1", "-W1", other.address)
        assert add_error(igd, 8080, 80) == 718
        time.sleep(0.5)
    assert "192.168.77.10" in [m["client"] for m in upnpd.mappings()]


def test_the_ports_of_a_host_that_is_off_are_not_for_another(home):
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    home.wires.ip("link set pc1.eth0 down\n")
    igd = find_igd(home.pc2)
    for _ in range(2):
        assert add_error(igd, 8080, 80) == 718
        time.sleep(ASKED)
    assert [m["client"] for m in upnpd.mappings()] == ["192.168.77.10"]


def test_the_hosts_hardware_address_outlives_restarts_and_crashes(home):
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80, description='"' * 300)
    for end in (upnpd.stop, upnpd.kill):
        end()
        upnpd.start()
        mapping = upnpd.mappings()[0]
        assert mapping["host"] == mac_of(home.pc1) and mapping["description"] == '"' * 300


def test_permanent_mappings_of_an_absent_host_go_and_no_others(home, closing):
    upnpd = Upnpd(home, absent_host_timeout=4).start()
    closing(WebServer(home.pc1, 80, "absent"))
    closing(WebServer(home.pc2, 80, "silent"))
    absent, silent = find_igd(home.pc1), find_igd(home.pc2)
    absent.add(8080, 80)
    absent.add(8081, 80, lease=3600)
    silent.add(8082, 80)
    home.wires.ip("link set pc1.eth0 down\n")
    wait_until(lambda: 8080 not in [m["external_port"] for m in upnpd.mappings()], 4 + 2 * ASKED,
               lambda: f"it goes\n{upnpd.log()}")
    assert sorted(m["external_port"] for m in upnpd.mappings()) == [8081, 8082]
    assert "absent_host_timeout" in upnpd.log()
    time.sleep(5)
    # It has not sent a packet of its own, and has answered each question.
    assert fetch(home.inet1, home.wan_address, 8082) == "silent"
    home.wires.ip("link set pc1.eth0 up\n")
    wait_until(lambda: fetch(home.inet1, home.wan_address, 8081, timeout=0.5) == "absent", 10, "the lease holds")


def test_nobody_is_absent_with_a_timeout_of_none(home):
    upnpd = Upnpd(home, absent_host_timeout=0).start()
    find_igd(home.pc1).add(8080, 80)
    home.wires.ip("link set pc1.eth0 down\n")
    time.sleep(6)
    assert len(upnpd.mappings()) == 1


def test_the_router_does_not_wake_while_its_hosts_talk(home, closing):
    """The kernel tells of a neighbour at each change of its state; none of that reaches upnpd."""
    upnpd = Upnpd(home).start()
    closing(UdpEcho(home.pc1, 9000))
    find_igd(home.pc1).add(9000, 9000, protocol="UDP", lease=3600, service=WAN_IP_2)
    wait_until(lambda: is_quiet(upnpd.pid), 10, "the journal is on the disk, and all is told")
    told = home.router.start("ip", "monitor", "neigh", output=open(home.directory + "/neigh", "wb"))
    before = context_switches(upnpd.pid)
    for _ in range(5):
        for host in (home.pc1, home.pc2):
            home.router.run("ip", "neigh", "replace", host.address, "lladdr", mac_of(host), "dev", "lan",
                            "nud", "stale")
            home.router.run("ping", "-c1", "-W1", host.address)
        assert udp_passes(home.inet1, home.wan_address, 9000)
    assert context_switches(upnpd.pid) - before <= 2
    told.terminate()
    told.wait()
    with open(home.directory + "/neigh") as neigh:
        assert len(neigh.readlines()) >= 10, "the kernel has told others meanwhile"


def is_quiet(pid):
    """Longer than the second after which a changed journal is synced."""
    before = context_switches(pid)
    time.sleep(1.2)
    return context_switches(pid) == before


def context_switches(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(next(line for line in status if line.startswith("voluntary")).split()[1])
