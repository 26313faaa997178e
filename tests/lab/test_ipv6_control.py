"""Discovery, control and pinholes over IPv6 alone, on raw sockets and with real clients."""

import re
import shutil
import socket
import struct
import time

import pytest

from daemon import Upnpd
from gena import Subscriber
from igd6_client import LINK_GROUP, SITE_GROUP, Igd6, igd_of, link_local_of, location, search
from igd_client import FIREWALL, IGD1, IGD2, WAN_IP_1, SoapFault
from ipv6 import (LAN, ULA, WAN, Udp6, add_ipv6, listen6, tcp6_passes, tentative, udp6_passes,
                  wait_for_addresses)
from namespace import wait_until
from traffic import Capture

WITHIN = 5  # seconds, on a loaded machine


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    return lab


@pytest.fixture(scope="module")
def upnpd(lab):
    wait_for_addresses(lab)
    upnpd = Upnpd(lab).start()
    wait_until(lambda: search(lab.pc1, LINK_GROUP), WITHIN, lambda: f"searches are answered\n{upnpd.log()}")
    return upnpd


def error_of(function, *arguments, **named):
    with pytest.raises(SoapFault) as fault:
        function(*arguments, **named)
    return fault.value.code


def add_pinhole(igd, client, port=4000):
    return int(igd.call("AddPinhole", {
        "RemoteHost": "", "RemotePort": 0, "InternalClient": client, "InternalPort": port,
        "Protocol": 17, "LeaseTime": 600}, FIREWALL)["UniqueID"])


# ---- discovery ----

def test_a_link_local_search_is_told_a_link_local_location(lab, upnpd):
    router = link_local_of(lab.router, "lan")
    for to in (LINK_GROUP, router):
        found = location(lab.pc1, to)
        assert found.startswith(f"http://[{router}]:"), found
        assert Igd6(lab.pc1, found).device_type == IGD1


def test_a_search_from_a_routed_address_is_told_one_of_the_same_network(lab, upnpd):
    for to in (SITE_GROUP, LAN + "1", ULA + "1"):
        found = location(lab.pc1, to, source=lab.pc1.address6)
        assert found.startswith(f"http://[{LAN}1]:"), found
        assert Igd6(lab.pc1, found).device_type == IGD1
    lab.pc2.ip(f"addr add {ULA}20/64 dev eth0 nodad\n")
    assert location(lab.pc2, SITE_GROUP, source=ULA + "20").startswith(f"http://[{ULA}1]:")


def test_every_kind_of_search_is_answered(lab, upnpd):
    for target in ("upnp:rootdevice", "ssdp:all", IGD2, WAN_IP_1):
        assert search(lab.pc1, LINK_GROUP, target), target
    assert not search(lab.pc1, LINK_GROUP, "urn:schemas-upnp-org:device:MediaServer:1")


def packets_to(host, interface="eth0"):
    """Every IPv6 UDP datagram or TCP segment of port 1900 or the gateway's that comes to `host`."""
    with host.entered():
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86DD))
    sniffer.bind((interface, 0x86DD))
    sniffer.setblocking(False)
    return sniffer


def received(sniffer, port=None):
    """Those of protocol UDP or TCP, from `port` when one is given; not what the host itself sent."""
    found = []
    while True:
        try:
            data, sender = sniffer.recvfrom(2048)
        except BlockingIOError:
            return found
        outgoing = sender[2] == socket.PACKET_OUTGOING
        if outgoing or data[6] not in (6, 17):
            continue
        source, destination = struct.unpack("!HH", data[40:44])
        if port is None or port in (source, destination):
            found.append((data[6], source, destination, data))


def test_the_wan_and_another_lan_hear_and_get_nothing(lab, upnpd, closing):
    found = location(lab.pc1, SITE_GROUP)
    port = int(re.search(r"\]:(\d+)/", found).group(1))
    events = upnpd.status()["lans"][0]["event_port"]
    sniffers = {host: closing(packets_to(host)) for host in (lab.inet1, lab.visitor)}
    for host, own in ((lab.inet1, WAN + "1"), (lab.visitor, "2001:db8:78::1")):
        router = link_local_of(lab.router, "wan" if host is lab.inet1 else "guest")
        for to in (LINK_GROUP, SITE_GROUP, own, router, LAN + "1"):
            assert not search(host, to, timeout=0.3), (host.name, to)
        for address in (own, LAN + "1", ULA + "1"):
            for number in (port, events):
                assert not tcp6_passes(host, address, number), (host.name, address, number)
        for number in (1900, port, events):
            assert received(sniffers[host], number) == [], (host.name, number)
    assert search(lab.pc1, SITE_GROUP)


def test_notify_alive_and_byebye_go_to_both_groups_and_nowhere_else(make_lab, closing):
    lab = make_lab()
    add_ipv6(lab)
    wait_until(lambda: not tentative(lab.router, "lan"), WITHIN, "the router has its addresses")
    upnpd = Upnpd(lab)
    heard, leaks = closing(packets_to(lab.pc1)), closing(packets_to(lab.inet1))
    upnpd.start()
    notifies = []

    def have(kind, groups):
        notifies.extend(data[48:].decode() for *_, data in received(heard, 1900))
        return all(any(f"NTS: {kind}" in n and f"HOST: {g}:1900" in n for n in notifies) for g in groups)
    groups = ("[ff02::c]", "[ff05::c]")
    wait_until(lambda: have("ssdp:alive", groups), WITHIN, lambda: f"alive in {notifies}")
    alive = [n for n in notifies if "ssdp:alive" in n]
    router = link_local_of(lab.router, "lan")
    assert {re.search(r"LOCATION: http://\[([^\]]+)\]", n).group(1) for n in alive} == {router, ULA + "1"}
    assert "ssdp:byebye" in notifies[0]
    assert {re.search(r"NT: (\S+)", n).group(1) for n in alive} >= {"upnp:rootdevice", IGD1, WAN_IP_1}
    notifies.clear()
    upnpd.stop()
    wait_until(lambda: have("ssdp:byebye", groups), WITHIN, lambda: f"byebye in {notifies}")
    assert received(leaks, 1900) == []


# ---- control ----

def test_a_pinhole_asked_for_over_ipv6_lets_the_internet_in(lab, upnpd, closing):
    game = closing(Udp6(lab.pc1, 4000))
    igd = igd_of(lab.pc1)
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    unique_id = add_pinhole(igd, lab.pc1.address6)
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    listed = upnpd.admin_json("list", "pinholes")["pinholes"]
    assert [p["owner"] for p in listed] == [lab.pc1.address6]
    assert error_of(add_pinhole, igd_of(lab.pc2), lab.pc1.address6) == 606
    assert add_pinhole(igd_of(lab.pc1, LINK_GROUP), lab.pc1.address6) == unique_id
    igd.call("DeletePinhole", {"UniqueID": unique_id}, FIREWALL)
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)


def test_a_port_mapping_asked_for_over_ipv6_leads_to_the_hosts_ipv4_address(lab, upnpd, closing):
    for to in (LINK_GROUP, SITE_GROUP):
        igd = igd_of(lab.pc1, to, IGD1)
        igd.add(5100, client=lab.pc1.address)
        listener = closing(lab.pc1.listen(5100))
        listener.settimeout(WITHIN)
        closing(lab.inet1.connect(lab.wan_address, 5100))
        assert listener.accept()[1][0] == lab.inet1.address
        assert igd.get(5100)["NewInternalClient"] == lab.pc1.address
        assert error_of(igd_of(lab.pc2, to, IGD1).delete, 5100) == 606
        igd.delete(5100)
        listener.close()
    assert upnpd.mappings() == []


def test_an_empty_client_is_the_hosts_ipv4_address_and_anothers_is_refused(lab, upnpd):
    igd = igd_of(lab.pc1, target=IGD1)
    igd.add(5101, client="")
    assert [m["client"] for m in upnpd.mappings()] == [lab.pc1.address]
    igd.delete(5101)
    assert error_of(igd.add, 5101, client=lab.pc2.address) == 718


def test_an_ipv4_address_that_has_been_silent_is_looked_for(lab, upnpd):
    lab.router.ip("neigh flush dev lan\n")
    igd = igd_of(lab.pc1, target=IGD1)
    igd.add(5102, client=lab.pc1.address)
    igd.delete(5102)


def test_another_name_in_host_is_refused(lab, upnpd):
    igd = igd_of(lab.pc1, target=IGD1)
    port = re.search(r"\]:(\d+)/", igd.location).group(1)
    for host in (f"evil.example:{port}", f"[{LAN}2]:{port}", f"{lab.lan_address}:{port}", f"[{WAN}1]:{port}"):
        assert igd.http("GET", igd.location, {"Host": host})[0] == 403, host
    for host in (f"[{LAN}1]:{port}", f"[{ULA}1]:{port}", f"[{link_local_of(lab.router, 'lan')}%25eth0]:{port}"):
        assert igd.http("GET", igd.location, {"Host": host})[0] == 200, host
    assert igd.http("GET", igd.location, {"Origin": "http://evil.example"})[0] == 403


def test_every_url_of_the_description_can_be_fetched(lab, upnpd):
    for to in (LINK_GROUP, SITE_GROUP):
        igd = igd_of(lab.pc1, to)
        for service in igd.service_types():
            assert igd.http("GET", igd.url(service, "SCPDURL"))[0] == 200, service
            assert igd.url(service, "eventSubURL").startswith(igd.location[:igd.location.index("]")]), service


# ---- events ----

def subscribed(host, to, callback):
    return Subscriber(igd_of(host, to), WAN_IP_1, address=f"[{callback}]", listener=listen6(host, 0))


def test_events_are_delivered_to_the_subscribers_own_ipv6_address(lab, upnpd, closing):
    for to, own in ((SITE_GROUP, lab.pc1.address6), (LINK_GROUP, link_local_of(lab.pc1, "eth0"))):
        subscriber = closing(subscribed(lab.pc1, to, own))
        assert subscriber.status == 200, (to, upnpd.log())
        assert subscriber.next()[1]["ExternalIPAddress"] == lab.wan_address
        igd = igd_of(lab.pc1, to)
        igd.add(5103, client=lab.pc1.address)
        subscriber.wait_for("PortMappingNumberOfEntries", "1")
        igd.delete(5103)
        subscriber.wait_for("PortMappingNumberOfEntries", "0")
        assert subscriber.renew() == 200
        assert subscriber.unsubscribe() == 200


def test_a_callback_to_anybody_else_gets_nothing(lab, upnpd, closing):
    igd = igd_of(lab.pc1)
    event_url = igd.url(WAN_IP_1, "eventSubURL")
    sniffers = [closing(packets_to(host)) for host in (lab.pc2, lab.inet1)]
    for callback in (f"[{lab.pc2.address6}]", f"[{lab.inet1.address6}]", f"[{LAN}99]", lab.pc1.address,
                     lab.pc2.address, "localhost", "[::1]"):
        status, _, _ = igd.http("SUBSCRIBE", event_url, {
            "CALLBACK": f"<http://{callback}:7777/>", "NT": "upnp:event", "TIMEOUT": "Second-1800"})
        assert status == 412, callback
    assert [received(sniffer, 7777) for sniffer in sniffers] == [[], []]


# ---- changes ----

def status_addresses(upnpd):
    return upnpd.status()["lans"][0]["ipv6_addresses"].split()


def test_addresses_are_followed_as_they_come_and_go(lab, upnpd):
    new = "2001:db8:79::"
    lab.router.ip(f"addr add {new}1/64 dev lan\n")
    lab.pc1.ip(f"addr add {new}10/64 dev eth0 nodad\n")

    def told():
        return [a["LOCATION"] for a in search(lab.pc1, SITE_GROUP, source=new + "10", timeout=0.3)]
    wait_until(told, WITHIN, upnpd.log)
    assert told()[0].startswith(f"http://[{new}1]:")
    assert Igd6(lab.pc1, told()[0]).device_type == IGD1
    assert f"{new}1/64" in status_addresses(upnpd)
    lab.router.ip(f"addr del {new}1/64 dev lan\n")
    wait_until(lambda: f"{new}1/64" not in status_addresses(upnpd), WITHIN, upnpd.log)
    assert not told()
    lab.pc1.ip(f"addr del {new}10/64 dev eth0\n")


def told_on(wire):
    """(HOST, NTS) of what has been said of the root device, in order."""
    texts = [frame.decode(errors="replace") for frame in wire.frames if b"NT: upnp:rootdevice\r" in frame]
    return [re.search(r"HOST: (\S+):1900\r.*NTS: ssdp:(\w+)\r", text, re.DOTALL).groups()
            for text in texts if "NOTIFY * " in text]


def said_by(wire, kind):
    return {host for host, nts in told_on(wire) if nts == kind}


def test_at_a_start_byebye_is_said_by_both_families_before_alive_is_by_either(make_lab, closing):
    lab = make_lab()
    add_ipv6(lab)
    wait_until(lambda: not tentative(lab.router, "lan"), WITHIN, "the router has its addresses")
    wire = closing(Capture(lab.pc1))
    Upnpd(lab).start()
    groups = {"239.255.255.250", "[ff02::c]", "[ff05::c]"}
    wait_until(lambda: said_by(wire, "alive") == groups, WITHIN, lambda: f"alive in {told_on(wire)}")
    kinds = [nts for _, nts in told_on(wire)]
    assert said_by(wire, "byebye") == groups
    assert "byebye" not in kinds[kinds.index("alive"):], told_on(wire)


def test_a_device_that_is_there_says_no_byebye_when_ipv6_comes(make_lab, closing):
    """To a control point of both families it is one device, by its USN."""
    lab = make_lab()
    add_ipv6(lab)
    lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=1")
    upnpd = Upnpd(lab).start()
    for _ in ("it comes", "it comes back"):
        wire = closing(Capture(lab.pc1))
        lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=0")
        wait_until(lambda: "[ff02::c]" in said_by(wire, "alive"), WITHIN, upnpd.log)
        lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=1")
        wait_until(lambda: status_addresses(upnpd) == [], WITHIN, upnpd.log)
        assert said_by(wire, "byebye") == set(), told_on(wire)


def test_ipv6_goes_and_comes_back_while_ipv4_goes_on(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=1")
    upnpd = Upnpd(lab).start()
    assert not search(lab.pc1, LINK_GROUP, timeout=0.3)
    assert status_addresses(upnpd) == []
    lab.router.sysctl("net.ipv6.conf.lan.accept_dad=1")
    lab.router.sysctl("net.ipv6.conf.lan.dad_transmits=1")
    lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=0")  # its address is tentative for a second
    wait_until(lambda: search(lab.pc1, LINK_GROUP, timeout=0.3), WITHIN, upnpd.log)
    assert Igd6(lab.pc1, location(lab.pc1, LINK_GROUP)).device_type == IGD1
    lab.router.sysctl("net.ipv6.conf.lan.disable_ipv6=1")
    wait_until(lambda: status_addresses(upnpd) == [], WITHIN, upnpd.log)
    upnpd.wait_until_ready(lab.pc1)
    assert upnpd.process("announcer")["restarts"] == 0


def test_ipv6_disable_switches_it_off(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    upnpd = Upnpd(lab, ipv6_disable="yes").start()
    for to in (LINK_GROUP, SITE_GROUP, LAN + "1"):
        assert not search(lab.pc1, to, timeout=0.3)
    lan = upnpd.status()["lans"][0]
    assert not tcp6_passes(lab.pc1, LAN + "1", lan["http_port"])
    assert upnpd.status()["ipv6"] == "off (ipv6_disable)"
    assert "IPv6: off" in upnpd.log()


# ---- real clients ----

def test_upnpc_finds_and_asks_the_gateway_over_ipv6(lab, upnpd):
    if not shutil.which("upnpc"):
        pytest.skip("upnpc (miniupnpc) is not installed")
    listing = lab.pc1.run("upnpc", "-6", "-m", "eth0", "-i", "-s").stdout
    assert re.search(r"desc: http://\[[0-9a-f:]+\]:", listing), listing
    assert f"ExternalIPAddress = {lab.wan_address}" in listing, listing


GSSDP_PROGRAM = """
import gi, sys
gi.require_version("GSSDP", "1.6")
from gi.repository import Gio, GLib, GSSDP
client = GSSDP.Client(interface="eth0", address_family=Gio.SocketFamily.IPV6)
client.init(None)
browser = GSSDP.ResourceBrowser.new(client, sys.argv[1])
browser.connect("resource-available", lambda _, usn, locations: print(usn, locations, flush=True))
browser.set_active(True)
loop = GLib.MainLoop()
GLib.timeout_add_seconds(3, loop.quit)
loop.run()
"""


def test_gssdp_finds_the_gateway_over_ipv6(lab, upnpd):
    listing = lab.pc1.run("/usr/bin/python3", "-c", GSSDP_PROGRAM, IGD1).stdout
    if "ModuleNotFoundError" in listing or "not available" in listing:
        pytest.skip("GSSDP 1.6 for Python is not installed")
    assert "http://[" in listing, listing
