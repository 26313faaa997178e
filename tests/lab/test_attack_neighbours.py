"""Who says that he is another, to ARP or neighbour discovery, or by a hardware address, gets nothing by it; and who has
the router look for hosts keeps nobody waiting."""

import itertools
import threading
import time

import pytest

from daemon import Upnpd
from igd6_client import SITE_GROUP, igd_of, search
from igd_client import FIREWALL, IGD2, WAN_IP_1, WAN_IP_2, Igd, SoapFault, find_igd
from ipv6 import LAN, Udp6, add_ipv6, udp6_passes, wait_for_addresses
from namespace import wait_until
from networks import Alias
from raw import Wire, mac_of
from sanitized import SLOWER

LANS = {"listening_ip": ["lan", "guest"]}


@pytest.fixture
def home(make_lab):
    home = make_lab()
    add_ipv6(home)
    for name in ("all", "default", "lan", "guest", "wan"):
        home.router.sysctl(f"net.ipv4.conf.{name}.rp_filter=0")
    return home


def igd6(host):
    return wait_until(lambda: search(host, SITE_GROUP, target=IGD2) and igd_of(host), 10, f"{host.name} finds it by IPv6")


def neighbours(home, interface):
    return home.router.run("ip", "neigh", "show", "dev", interface).stdout


def refused(call, *arguments, **named):
    with pytest.raises(SoapFault) as fault:
        call(*arguments, **named)
    return fault.value.code


def pinhole(igd, client, port=4000):
    return igd.call("AddPinhole", {"RemoteHost": "", "RemotePort": 0, "InternalClient": client, "InternalPort": port,
                                   "Protocol": 17, "LeaseTime": 600}, FIREWALL)


def test_a_guest_that_says_it_is_a_host_of_the_lan_has_none_of_its_mappings(home):
    wait_for_addresses(home)
    upnpd = Upnpd(home, **LANS).start()
    upnpd.wait_until_ready(home.visitor)
    find_igd(home.pc1).add(8080, 80)
    guest = igd6(home.visitor)
    with Wire(home.visitor) as wire:
        wire.say_address(home.pc1.address, "192.168.78.1")
    wait_until(lambda: home.pc1.address in neighbours(home, "guest"), 2, "the kernel believes it")
    assert refused(guest.get, 8080) == 606
    assert refused(guest.delete, 8080, service=WAN_IP_2) == 606
    assert refused(guest.call, "DeletePortMappingRange", {"NewStartPort": 1, "NewEndPort": 65535, "NewProtocol": "TCP",
                                                          "NewManage": 0}, WAN_IP_2) == 730
    assert [mapping["external_port"] for mapping in upnpd.mappings()] == [8080]


@pytest.mark.parametrize("name, interface, router", [("visitor", "guest", "2001:db8:78::1"), ("pc2", "lan", LAN + "1")])
def test_one_forged_solicitation_opens_no_pinhole(home, closing, name, interface, router):
    thief, victim = getattr(home, name), home.pc1.address6
    upnpd = Upnpd(home, **LANS).start()
    upnpd.wait_until_ready(thief)
    igd = find_igd(thief, IGD2)
    server = closing(Udp6(home.pc1, 4000))
    with Wire(thief) as wire:
        wire.say_address(victim, router)
    wait_until(lambda: victim in neighbours(home, interface), 2, "the kernel believes it")
    assert refused(pinhole, igd, victim) == 606, upnpd.log()
    assert not udp6_passes(home.inet1, server, victim, 4000)
    find = find_igd(home.pc1, IGD2)
    assert pinhole(find, victim)["UniqueID"], "its own host has it"
    assert udp6_passes(home.inet1, server, victim, 4000)


def test_a_hardware_address_says_nothing_on_another_lan(home):
    """The visitor has that of pc1, which it can hear on the air."""
    mac = ":".join(f"{byte:02x}" for byte in mac_of(home.pc1, "eth0"))
    home.visitor.ip(f"link set eth0 down\nlink set eth0 address {mac}\nlink set eth0 up\n"
                    "route add default via 192.168.78.1\n")
    upnpd = Upnpd(home, max_mappings_per_host=4, **LANS).start()
    upnpd.wait_until_ready(home.visitor)
    pc1, visitor = find_igd(home.pc1), find_igd(home.visitor)
    pc1.add(8080, 80)
    for port in range(9000, 9004):
        visitor.add(port, 80)
    assert refused(visitor.add, 9004, 80) == 501
    pc1.add(8081, 80)  # its quota is its own
    home.wires.ip("link set pc1.eth0 down\n")
    visitor.delete(9000)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        assert refused(visitor.add, 8080, 80, service=WAN_IP_1) == 718
        time.sleep(0.25)


def test_hosts_that_are_looked_for_keep_nobody_waiting(home):
    """pc2 asks for pinholes to hosts that there are not, by as many connections as it gets."""
    upnpd = Upnpd(home).start()
    pc1, location = find_igd(home.pc1), find_igd(home.pc2, IGD2).location
    over = threading.Event()
    answers = []

    def attack(alias, number):
        igd = None
        for step in itertools.count():
            try:
                igd = igd or Igd(alias, location)
                pinhole(igd, f"{LAN}{number:x}:{step:x}")
            except SoapFault as fault:
                answers.append(fault.code)
            except OSError:
                time.sleep(0.01)
            if over.wait(0.2):
                return
    aliases = [Alias(home.pc2, f"192.168.77.{100 + each}") for each in range(5)]
    attackers = [threading.Thread(target=attack, args=(alias, 1 + place * 16 + each))
                 for place, alias in enumerate(aliases) for each in range(16)]
    for each in attackers:
        each.start()
    try:
        time.sleep(3)
        for _ in range(5):
            begun = time.monotonic()
            pc1.add(8080, 80)
            assert time.monotonic() - begun < 1.5 * SLOWER
    finally:
        over.set()
        for each in attackers:
            each.join()
    assert set(answers) == {606}, upnpd.log()
