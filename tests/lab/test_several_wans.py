"""Two WANs: each LAN is told the address of its own, the default route's where none is named."""

import pytest

import daemon
from daemon import Upnpd
from gena import Subscriber
from igd_client import WAN_IP_1, find_igd
from namespace import wait_until
from networks import PROMPT, WAN2, add_second_wan, elements, promptly
from traffic import WebServer, fetch, is_closed

IN_BY_WAN2 = f"{WAN2}.10"  # inet1's address there
FAILOVER = ("route replace default via 203.0.113.10 dev wan metric 10\n"
            f"route replace default via {IN_BY_WAN2} dev wan2 metric 20\n")


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_second_wan(lab)
    lab.router.ip("route del default\n" + FAILOVER)
    return lab


@pytest.fixture
def start(lab):
    """Starts an upnpd of the test's own."""
    started = []

    def start(**keys):
        started.append(Upnpd(lab, **{"ext_ifname": ["wan", "wan2"], **keys}).start())
        return started[-1]
    yield start
    for upnpd in started:
        upnpd.discard()
    lab.router.ip(f"link set wan up\n{FAILOVER}")


def leaves_from(lab, source_port, to):
    """The port by which a datagram of pc1 from `source_port` comes out at inet1's address `to`."""
    with lab.pc1.udp(source_port) as inside, lab.inet1.udp(7000) as outside:
        inside.sendto(b"out", (to, 7000))
        return outside.recvfrom(100)[1]


def test_each_lan_is_told_its_own_wans_address(lab, start):
    upnpd = start(listening_ip=["lan", "guest"], lan_wan="guest wan2")
    upnpd.wait_until_ready(lab.visitor)
    assert find_igd(lab.pc1).external_address() == lab.wan_address
    assert find_igd(lab.visitor).external_address() == lab.wan2_address
    wans = {wan["interface"]: wan["external_address"] for wan in upnpd.status()["wans"]}
    assert wans == {"wan": lab.wan_address, "wan2": lab.wan2_address}
    shown = upnpd.admin("status").stdout
    assert lab.wan_address in shown and lab.wan2_address in shown


def test_a_mapping_leads_in_by_each_wan_and_leaves_by_its_port_on_each(lab, start, closing):
    start()
    closing(WebServer(lab.pc1, 80, "home"))
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    igd.add(9000, 9001, protocol="UDP")
    assert sorted(elements(lab, "external_addresses")) == sorted([lab.wan_address, lab.wan2_address])
    for address in (lab.wan_address, lab.wan2_address):
        assert fetch(lab.inet1, address, 8080) == "home", address
        assert fetch(lab.pc2, address, 8080) == "home", address
    assert leaves_from(lab, 9001, lab.inet1.address) == (lab.wan_address, 9000)
    assert leaves_from(lab, 9001, IN_BY_WAN2) == (lab.wan2_address, 9000)
    igd.delete(8080)
    assert is_closed(lab.inet1, lab.wan2_address, 8080)


@pytest.mark.parametrize("configured", [["wan", "wan2"], None], ids=["both", "none"])
def test_the_default_routes_wan_is_told_and_failover_is_followed(lab, start, closing, configured):
    start(ext_ifname=configured)
    closing(WebServer(lab.pc1, 80, "home"))
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    events = closing(Subscriber(igd, WAN_IP_1))
    events.next()
    assert igd.external_address() == lab.wan_address

    lab.router.ip("link set wan down\n")
    events.wait_for("ExternalIPAddress", lab.wan2_address, PROMPT)
    assert igd.external_address() == lab.wan2_address
    assert fetch(lab.inet1, lab.wan2_address, 8080) == "home"

    lab.router.ip(f"link set wan up\n{FAILOVER}")
    events.wait_for("ExternalIPAddress", lab.wan_address, PROMPT)
    wait_until(lambda: fetch(lab.inet1, lab.wan_address, 8080, timeout=0.3) == "home", 3, "back again")

    # The route alone, with both links up.
    lab.router.ip(f"route replace default via {IN_BY_WAN2} dev wan2 metric 5\n")
    events.wait_for("ExternalIPAddress", lab.wan2_address, PROMPT)
    lab.router.ip(f"route del default via {IN_BY_WAN2} dev wan2 metric 5\n")
    events.wait_for("ExternalIPAddress", lab.wan_address, PROMPT)


def test_a_lan_with_a_wan_of_its_own_does_not_follow_the_default_route(lab, start, closing):
    upnpd = start(listening_ip=["lan", "guest"], lan_wan="guest wan2")
    upnpd.wait_until_ready(lab.visitor)
    visitor = find_igd(lab.visitor)
    events = closing(Subscriber(visitor, WAN_IP_1))
    events.next()
    lab.router.ip("addr del 198.51.100.1/24 dev wan2\n")
    assert events.wait_for("ExternalIPAddress", "", PROMPT)["ConnectionStatus"] == "Disconnected"
    assert visitor.external_address() == ""
    assert find_igd(lab.pc1).external_address() == lab.wan_address
    lab.router.ip("addr add 198.51.100.1/24 dev wan2\n")
    events.wait_for("ExternalIPAddress", lab.wan2_address, PROMPT)


@pytest.mark.parametrize("line", ["lan_wan=guest wan2", "lan_wan=lan wan3", "lan_wan=lan",
                                  "lan_prefix=guest 192.168.90.0/24", "lan_prefix=lan 192.168.90.0/33"])
def test_a_line_about_a_lan_that_makes_no_sense_is_named(lab, line):
    key, _, value = line.partition("=")
    upnpd = Upnpd(lab, ext_ifname=["wan", "wan2"], **{key: value})
    checked = lab.router.run(daemon.UPNPD, "--check", "--config", upnpd.config)
    assert checked.returncode == 1 and key in checked.stdout

