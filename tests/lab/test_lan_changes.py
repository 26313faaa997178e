"""LANs come, go and change: upnpd serves what is there, with the addresses it has."""

import os
import signal
import time

import pytest

from daemon import Upnpd
from igd_client import IGD1, Igd, SoapFault, find_igd, ssdp_answers
from namespace import wait_until
from networks import elements, link_index
from traffic import WebServer, fetch

# An announcer has to be started.
SOON = 2
# A LAN whose networks are others now is given this to get the former ones back.
SETTLED = 10


@pytest.fixture
def home(make_lab):
    lab = make_lab()
    yield lab
    lab.remove()


def soon_found(host, address):
    """The gateway once `host` finds it at `address`."""
    def found():
        igd = find_igd(host, timeout=0.2)
        return igd if igd and igd.location.startswith(f"http://{address}:") else None
    return wait_until(found, SOON, f"{host.name} finds {address}")


def is_served(host):
    return bool(ssdp_answers(host, IGD1, timeout=0.3, first_only=True))


def test_a_lan_that_is_not_there_at_the_start_is_served_once_it_comes(home, closing):
    upnpd = Upnpd(home, listening_ip=["lan", "br-iot"]).start()
    home.router.ip("link add br-iot type bridge forward_delay 0\nlink set guest master br-iot\n"
                   f"addr flush dev guest\nlink set br-iot up\naddr add {home.guest_address}/24 dev br-iot\n")
    visitor = soon_found(home.visitor, home.guest_address)
    closing(WebServer(home.visitor, 80, "iot"))
    visitor.add(8080, 80)
    assert fetch(home.inet1, home.wan_address, 8080) == "iot"
    home.router.ip("link del br-iot\n")
    wait_until(lambda: "problem" in upnpd.status()["lans"][1] and upnpd.status()["lans"][1]["problem"],
               SOON, "the bridge's end is noticed")
    assert find_igd(home.pc1) and upnpd.is_running()


def tagged(home):
    """VLAN 20 on the LAN's wire, with pc2 in it."""
    vlan = home.router.run("ip", "link", "add", "link", "lan", "name", "lan.20", "type", "vlan", "id", "20")
    if vlan.returncode != 0:
        pytest.skip("this kernel has no 802.1Q")
    home.router.ip("addr add 192.168.20.1/24 dev lan.20\nlink set lan.20 up\n")
    home.pc2.ip("addr flush dev eth0\nlink add link eth0 name eth0.20 type vlan id 20\n"
                "addr add 192.168.20.20/24 dev eth0.20\nlink set eth0.20 up\n"
                "route add default via 192.168.20.1\n")
    home.pc2.address = "192.168.20.20"


def own_wire(home):
    """What looks the same to upnpd: an interface of that name."""
    home.wires.ip("link add vlan20 type bridge mcast_snooping 0 forward_delay 0\nlink set vlan20 up\n")
    home.plug(home.router, "lan.20", "192.168.20.1", "vlan20")
    home.pc2.ip("link del eth0\n")
    home.plug(home.pc2, "eth0", "192.168.20.20", "vlan20", gateway="192.168.20.1")


@pytest.mark.parametrize("make_vlan", [tagged, own_wire])
def test_a_vlan_is_a_lan_of_its_own(home, closing, make_vlan):
    Upnpd(home, listening_ip=["lan", "lan.20"]).start()
    make_vlan(home)
    igd = soon_found(home.pc2, "192.168.20.1")
    closing(WebServer(home.pc2, 80, "vlan"))
    igd.add(8080, 80)
    assert fetch(home.inet1, home.wan_address, 8080) == "vlan"
    with pytest.raises(SoapFault):
        find_igd(home.pc1).delete(8080)


def test_a_lan_loses_its_address_and_gets_another(home):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    home.router.ip("addr flush dev lan\n")
    wait_until(lambda: not is_served(home.pc1), SOON, "nobody answers")
    assert elements(home, "lan_networks") == []
    home.router.ip("addr add 192.168.79.1/24 dev lan\n")
    home.pc1.ip("addr flush dev eth0\naddr add 192.168.79.10/24 dev eth0\nroute add default via 192.168.79.1\n")
    home.pc1.address = "192.168.79.10"
    soon_found(home.pc1, "192.168.79.1").add(8081, 80)
    assert elements(home, "lan_networks") == ["192.168.79.0/24"]
    assert ports(upnpd) == [8080, 8081]
    wait_until(lambda: ports(upnpd) == [8081], SETTLED + SOON, lambda: f"what led to the former goes\n{upnpd.log()}")
    assert "192.168.77.10 is on no LAN's network any more" in upnpd.log()


def ports(upnpd):
    return sorted(mapping["external_port"] for mapping in upnpd.mappings())


def renumber_router(home):
    home.router.ip("addr del 192.168.77.1/24 dev lan\naddr add 192.168.79.1/24 brd + dev lan\n")
    home.lan_address = "192.168.79.1"


def renumber_pc1(home):
    home.pc1.ip("addr del 192.168.77.10/24 dev eth0\naddr add 192.168.79.10/24 brd + dev eth0\n"
                "route add default via 192.168.79.1\n")
    home.pc1.address = "192.168.79.10"


def move_network_to_wan(home):
    """192.168.77.0/24 is on the WAN's side, and inet2 has pc1's former address there."""
    home.router.ip("addr add 192.168.77.254/24 dev wan\n")
    home.inet2.ip("addr add 192.168.77.10/24 dev eth0\nroute add default via 203.0.113.1\n")


@pytest.mark.parametrize("meanwhile", ["running", "stopped", "killed"])
def test_mappings_to_a_network_that_is_the_wans_now_go(home, closing, meanwhile):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(3074, protocol="UDP")
    igd.add(8080, 8080, lease=3600)
    if meanwhile != "running":
        (upnpd.stop if meanwhile == "stopped" else upnpd.kill)()
    renumber_router(home)
    move_network_to_wan(home)
    closing(WebServer(home.inet2, 8080, "on the WAN's side"))
    if meanwhile != "running":
        upnpd.start(ready_on=None)
        wait_until(lambda: "serving; mappings: 2" in upnpd.log(), 5, "they are put back at first")
    wait_until(lambda: ports(upnpd) == [], SETTLED + SOON, lambda: f"they go\n{upnpd.log()}")
    assert fetch(home.inet1, home.wan_address, 8080) is None


def test_a_host_of_a_renumbered_lan_has_its_ports_at_once(home):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80, lease=3600)
    find_igd(home.pc2).add(8082, 80)
    renumber_router(home)
    renumber_pc1(home)
    soon_found(home.pc1, "192.168.79.1").add(8081, 80)
    assert [(m["external_port"], m["client"]) for m in upnpd.mappings() if m["external_port"] != 8082] == \
        [(8081, "192.168.79.10")]
    assert 8082 in ports(upnpd), "the other host's has its time"


def test_a_lan_without_an_address_or_with_another_for_a_moment_loses_nothing(home):
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    home.router.ip("addr flush dev lan\n")
    time.sleep(SETTLED + SOON)
    home.router.ip("addr add 192.168.79.1/24 dev lan\n")
    time.sleep(SETTLED / 2)
    home.router.ip("link set lan down\n")
    time.sleep(SETTLED / 2 + SOON)
    home.router.ip("link set lan up\n")
    time.sleep(SETTLED / 2)
    home.router.ip("addr flush dev lan\naddr add 192.168.77.1/24 brd + dev lan\n")
    assert soon_found(home.pc1, home.lan_address).get(8080)["NewInternalPort"] == "80"
    time.sleep(SETTLED)
    assert ports(upnpd) == [8080]


def test_a_network_that_the_owner_has_named_stays_the_lans(home):
    upnpd = Upnpd(home, lan_prefix="lan 192.168.77.0/24").start()
    find_igd(home.pc1).add(8080, 80)
    renumber_router(home)
    time.sleep(SETTLED + SOON)
    assert ports(upnpd) == [8080]


@pytest.mark.parametrize("http_port", [0, 5431], ids=["any port", "a fixed port"])
def test_a_lan_goes_down_and_up_at_once(home, http_port):
    upnpd = Upnpd(home, http_port=http_port).start()
    for _ in range(3):
        home.router.ip("link set lan down\nlink set lan up\n")
    soon_found(home.pc1, home.lan_address).add(8080, 80)
    home.router.ip("link set lan down\n")
    wait_until(lambda: elements(home, "lan_networks") == [], SOON, "it is noticed")
    home.router.ip("link set lan up\n")
    assert soon_found(home.pc1, home.lan_address).get(8080)["NewInternalPort"] == "80"
    assert upnpd.process("igd")["restarts"] == 0


def test_an_interface_that_is_made_anew_between_two_looks_is_served_again(home):
    """Of its end and its return upnpd hears at once: nothing but the index is another."""
    upnpd = Upnpd(home).start()
    find_igd(home.pc1).add(8080, 80)
    before = link_index(home.router, "lan")
    os.kill(upnpd.pid, signal.SIGSTOP)
    try:
        home.router.ip("link del lan\n")
        home.plug(home.router, "lan", home.lan_address, "lan")
    finally:
        os.kill(upnpd.pid, signal.SIGCONT)
    assert link_index(home.router, "lan") != before
    home.pc1.ip("neigh flush dev eth0\n")
    assert soon_found(home.pc1, home.lan_address).get(8080)["NewInternalPort"] == "80"


def test_without_lo_a_line_says_what_helps_and_that_helps(home):
    home.router.ip("link set lo down\n")
    upnpd = Upnpd(home).start(ready_on=None)
    wait_until(lambda: "libupnp needs the interface lo (ip link set lo up)" in upnpd.log(), SOON, "what helps")
    home.router.ip("link set lo up\n")
    upnpd.wait_until_ready(home.pc1)


def test_a_port_that_another_program_has_is_named_with_what_helps(home, closing):
    closing(WebServer(home.router, 5555, "another's"))
    upnpd = Upnpd(home, http_port=5555).start(ready_on=None)
    wait_until(lambda: "port 5555 (http_port may name another, 0 any that is free): Address already in use"
               in upnpd.log(), SOON, "what helps")


def test_an_interface_that_is_renamed_is_followed_by_its_address(home):
    Upnpd(home, listening_ip=home.lan_address).start()
    home.router.ip("link set lan down\nlink set lan name home\nlink set home up\n")
    soon_found(home.pc1, home.lan_address).add(8080, 80)


def test_an_interface_that_is_renamed_is_gone_when_its_name_is_configured(home):
    upnpd = Upnpd(home).start()
    home.router.ip("link set lan down\nlink set lan name other\nlink set other up\n")
    wait_until(lambda: not is_served(home.pc1), SOON, "nobody answers")
    home.router.ip("link set other down\nlink set other name lan\nlink set lan up\n")
    soon_found(home.pc1, home.lan_address)
    assert upnpd.is_running()


def test_hosts_of_a_further_address_are_served_and_the_others_are_not_disturbed(home, closing):
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    home.router.ip("addr add 192.168.80.1/24 dev lan\n")
    home.pc2.ip("addr flush dev eth0\naddr add 192.168.80.20/24 dev eth0\nroute add default via 192.168.80.1\n")
    home.pc2.address = "192.168.80.20"
    igd.add(8080, 80)
    closing(WebServer(home.pc2, 80, "further"))
    soon_found(home.pc2, home.lan_address).add(8081, 80)
    assert fetch(home.inet1, home.wan_address, 8081) == "further"
    assert find_igd(home.pc1).location == igd.location


def test_one_subnet_on_two_lans_maps_nobody_and_says_so(home):
    upnpd = Upnpd(home, listening_ip=["lan", "guest"]).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    home.router.ip("addr add 192.168.77.2/24 dev guest\n")
    wait_until(lambda: "LANs lan and guest both have 192.168.77" in upnpd.log(), SOON, "it is said")
    with pytest.raises(SoapFault) as refused:
        igd.add(8081, 80)
    assert refused.value.code == 606
    home.router.ip("addr del 192.168.77.2/24 dev guest\n")
    wait_until(lambda: is_served(home.visitor), SOON, "two subnets again")
    igd.add(8081, 80)


class Routed:
    """A host behind pc2, which routes 192.168.90.0/24: the lab's visitor, moved."""

    def __init__(self, home):
        home.visitor.ip("link del eth0\n")
        home.wires.ip("link add far type bridge mcast_snooping 0 forward_delay 0\nlink set far up\n")
        before = home.pc2.address
        home.plug(home.pc2, "eth1", "192.168.90.1", "far")
        home.pc2.address = before
        home.pc2.sysctl("net.ipv4.ip_forward=1")
        home.plug(home.visitor, "eth0", "192.168.90.10", "far", gateway="192.168.90.1")
        home.router.ip(f"route add 192.168.90.0/24 via {before}\n")
        self.host = home.visitor


def test_hosts_behind_another_router_ask_and_are_mapped(home, closing):
    Upnpd(home, lan_prefix="lan 192.168.90.0/24").start()
    far = Routed(home).host
    closing(WebServer(far, 80, "far"))
    closing(WebServer(home.pc1, 80, "near"))
    answers = ssdp_answers(far, IGD1, to=(home.lan_address, 1900), first_only=True)
    igd = Igd(far, answers[0]["LOCATION"])
    igd.add(8080, 80)
    find_igd(home.pc1).add(8081, 80)
    assert "192.168.90.0/24" in elements(home, "lan_networks")
    for host in (home.inet1, home.pc1, home.pc2, far):
        assert fetch(host, home.wan_address, 8080) == "far", host.name
        assert fetch(host, home.wan_address, 8081) == "near", host.name
    with pytest.raises(SoapFault) as refused:
        igd.add(8082, 80, client=home.pc1.address)
    assert refused.value.code == 718


def test_hosts_behind_another_router_are_strangers_without_a_line_about_them(home):
    Upnpd(home).start()
    location = find_igd(home.pc1).location
    far = Routed(home).host
    assert ssdp_answers(far, IGD1, timeout=0.5, to=(home.lan_address, 1900)) == []
    with pytest.raises(OSError, match="403"):
        Igd(far, location)
