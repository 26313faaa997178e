"""The WAN's addresses come, go and change: mappings, answers and events follow within a second."""

import pytest

from daemon import Upnpd
from gena import Subscriber
from igd_client import WAN_IP_1, find_igd
from namespace import wait_until
from networks import PROMPT, elements, link_index, open_files, promptly, resident_kilobytes
from sanitized import SANITIZED
from traffic import WebServer, fetch, is_closed

OTHER = "203.0.113.5"


@pytest.fixture
def home(make_lab, closing):
    """A home for one test, since each takes its WAN apart."""
    lab = make_lab()
    closing(WebServer(lab.pc1, 80, "home"))
    yield lab
    lab.remove()


def status_of(igd):
    return igd.call("GetStatusInfo")["NewConnectionStatus"]


def set_address(lab, address, length="/24"):
    lab.router.ip("addr flush dev wan\n" + (f"addr add {address}{length} dev wan\n" if address else ""))


def subscribed(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    return subscriber


def serves(lab, address, port=8080):
    return fetch(lab.inet1, address, port, timeout=0.3) == "home"


def test_another_address_takes_the_place_of_the_former_one(home, closing):
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    assert serves(home, home.wan_address)
    events = subscribed(igd, closing)
    set_address(home, OTHER)
    events.wait_for("ExternalIPAddress", OTHER, PROMPT)
    assert igd.external_address() == OTHER
    assert elements(home, "external_addresses") == [OTHER]
    assert serves(home, OTHER)
    assert is_closed(home.inet1, home.wan_address, 8080)
    assert fetch(home.pc2, OTHER, 8080) == "home", "from the LAN too"


def test_without_an_address_there_is_none_to_tell_and_mappings_are_kept(home, closing):
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    events = subscribed(igd, closing)
    set_address(home, None)
    assert events.wait_for("ExternalIPAddress", "", PROMPT)["ConnectionStatus"] == "Disconnected"
    assert igd.external_address() == "" and status_of(igd) == "Disconnected"
    assert elements(home, "external_addresses") == []
    igd.add(8081, 80)

    set_address(home, home.wan_address)
    returned = events.wait_for("ExternalIPAddress", home.wan_address, PROMPT)
    assert returned["ConnectionStatus"] == "Connected"
    assert status_of(igd) == "Connected"
    assert serves(home, home.wan_address) and serves(home, home.wan_address, 8081)


def test_what_happens_to_a_wan_is_said_once(home):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    set_address(home, None)
    home.router.ip("link set wan down")
    home.router.ip("link set wan up")
    set_address(home, OTHER)
    promptly(lambda: igd.external_address() == OTHER, "the other address is told")
    log = upnpd.log()
    assert log.count("WAN wan: no address") == 1 and log.count("no WAN address: ") == 1, log
    assert log.count(f"WAN wan: {OTHER}") == 1, log


def test_an_interface_that_is_made_anew_is_the_wan_again(home, closing):
    """PPPoE: the interface goes with the session, and comes with another index and an address of
    its own and no network."""
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    igd.add(9000, 9000, protocol="UDP")
    events = subscribed(igd, closing)
    before = link_index(home.router, "wan")
    home.router.ip("link del wan\n")
    events.wait_for("ExternalIPAddress", "", PROMPT)
    assert igd.call("GetStatusInfo")["NewConnectionStatus"] == "Disconnected"

    home.wires.ip("link add router.wan type veth peer name wan netns " + home.router.name + "\n"
                  "link set router.wan master wan up\n")
    home.router.ip(f"addr add {OTHER} peer {home.inet1.address}/32 dev wan\nlink set wan up\n"
                   f"route add default via {home.inet1.address} dev wan\n")
    assert link_index(home.router, "wan") != before
    events.wait_for("ExternalIPAddress", OTHER, PROMPT)
    assert igd.external_address() == OTHER
    wait_until(lambda: serves(home, OTHER), 3, "the mapping serves")
    with home.pc1.udp(9000) as inside, home.inet1.udp(7000) as outside:
        inside.sendto(b"out", (home.inet1.address, 7000))
        assert outside.recvfrom(100)[1] == (OTHER, 9000), "it leaves by its external port"


def test_each_of_several_addresses_leads_in_and_the_first_one_is_told(home):
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    home.router.ip(f"addr add {OTHER}/24 dev wan\naddr add 203.0.113.6/32 dev wan\n")
    addresses = [home.wan_address, OTHER, "203.0.113.6"]
    promptly(lambda: sorted(elements(home, "external_addresses")) == sorted(addresses), "all are matched")
    assert igd.external_address() == home.wan_address
    for address in addresses:
        assert serves(home, address), address
        assert fetch(home.pc2, address, 8080) == "home", address


def test_of_several_addresses_the_one_that_hosts_leave_by_is_told(home, closing):
    """An address for the modem's pages is there before the provider's."""
    gateway, modem = home.inet1.address, "192.168.100"
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(9000, 9000, protocol="UDP")
    events = subscribed(igd, closing)

    def left_by():
        with home.pc1.udp(9000) as inside, home.inet1.udp(7000) as outside:
            inside.sendto(b"out", (home.inet1.address, 7000))
            return outside.recvfrom(100)[1]
    home.router.ip(f"addr flush dev wan\naddr add {modem}.2/24 dev wan\naddr add {OTHER}/24 dev wan\n"
                   f"route add default via {gateway}\n")
    events.wait_for("ExternalIPAddress", OTHER, PROMPT)
    assert igd.external_address() == OTHER and left_by() == (OTHER, 9000)
    assert sorted(elements(home, "external_addresses")) == [f"{modem}.2", OTHER], "all are matched"
    assert "private" not in upnpd.admin("status").stdout

    # Another gateway, and no other address.
    home.inet1.ip(f"addr add {modem}.1/24 dev eth0\n")
    home.router.ip(f"route replace default via {modem}.1\n")
    events.wait_for("ExternalIPAddress", f"{modem}.2", PROMPT)
    assert "private" in upnpd.admin("status").stdout
    home.router.ip(f"route replace default via {gateway}\n")
    events.wait_for("ExternalIPAddress", OTHER, PROMPT)


def test_a_wan_that_is_not_there_at_the_start_is_waited_for(home, closing):
    home.router.ip("link del wan\n")
    Upnpd(home).start()
    igd = find_igd(home.pc1)
    assert igd.external_address() == "" and status_of(igd) == "Disconnected"
    igd.add(8080, 80)
    events = subscribed(igd, closing)
    home.plug(home.router, "wan", home.wan_address, "wan")
    events.wait_for("ExternalIPAddress", home.wan_address, PROMPT)
    assert igd.external_address() == home.wan_address
    wait_until(lambda: serves(home, home.wan_address), 3, "the mapping serves")


def test_a_wan_that_flaps_leaves_nothing_behind_and_ends_right(home, closing):
    upnpd = Upnpd(home).start()
    igd = find_igd(home.pc1)
    igd.add(8080, 80)
    events = subscribed(igd, closing)

    def flap(times):
        for i in range(times):
            set_address(home, f"203.0.113.{100 + i}")
            home.router.ip("link set wan down\n" if i % 2 else "addr flush dev wan\n")
            home.router.ip("link set wan up\n")
        set_address(home, OTHER)
        promptly(lambda: igd.external_address() == OTHER and elements(home, "external_addresses") == [OTHER],
                 "the last address")
    flap(20)
    wait_until(lambda: "/64: serving" in upnpd.log(), 5, "the LAN is served by IPv6, when its address is no longer tentative")
    processes = upnpd.pids()
    files, memory = open_files(upnpd.pid), resident_kilobytes(upnpd.pid)
    flap(20)
    events.wait_for("ExternalIPAddress", OTHER)
    assert upnpd.pids() == processes, "no process fell"
    assert open_files(upnpd.pid) == files
    # A sanitizer keeps what is freed.
    assert resident_kilobytes(upnpd.pid) < memory + 100 or SANITIZED
    wait_until(lambda: serves(home, OTHER), 3, "the mapping serves")
