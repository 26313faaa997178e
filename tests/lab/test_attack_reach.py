"""From the WAN, or from another LAN, nothing of upnpd answers, and nothing of it is heard there.

Three walls stand one behind the other: the sockets are bound to the LAN's device, nftables guards the
ports, the caller's address is checked in each request. Each is tried here with the other two taken
away or walked round.
"""

import os
import signal
import socket
import time

import pytest

from daemon import Upnpd
from igd_client import SSDP, WAN_IP_1, envelope, find_igd, m_search, ssdp_answers
from namespace import wait_until
from raw import Wire, mac_of, multicast_mac, tcp_syn, udp
from traffic import Capture

STRANGER = "10.99.99.9"  # an address on the LAN's wire that is not of the LAN


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    for name in ("all", "wan", "lan", "guest"):
        lab.router.sysctl(f"net.ipv4.conf.{name}.rp_filter=0")
    # The internet and the visitor know the way to the LAN: only upnpd and its table stand between.
    lab.inet1.ip(f"route add 192.168.0.0/16 via {lab.wan_address}\n")
    return lab


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab, table_owner="no").start()


@pytest.fixture(scope="module")
def ports(upnpd):
    lan = upnpd.status()["lans"][0]
    return {"control": lan["http_port"], "events": lan["event_port"]}


@pytest.fixture
def without_guard(lab, upnpd):
    """The guard chain has no rules. The gateway, which would put them back, is stopped; its children
    go on."""
    os.kill(upnpd.pid, signal.SIGSTOP)
    lab.nft("flush chain inet upnpd guard")
    yield
    os.kill(upnpd.pid, signal.SIGCONT)
    wait_until(lambda: "drop" in lab.table().partition("chain guard")[2], 5, "the guard is back")


def is_open(host, address, port):
    try:
        host.connect(address, port, timeout=0.4).close()
        return True
    except OSError:
        return False


OUTSIDE = [("inet1", "lan_address"), ("inet1", "wan_address"), ("visitor", "lan_address"),
           ("visitor", "guest_address")]


@pytest.mark.parametrize("host, address", OUTSIDE)
@pytest.mark.parametrize("port", ["control", "events"])
def test_no_tcp_port_answers_elsewhere(lab, ports, host, address, port):
    assert is_open(lab.pc1, lab.lan_address, ports[port])
    assert not is_open(getattr(lab, host), getattr(lab, address), ports[port])


@pytest.mark.parametrize("host, address", OUTSIDE)
def test_no_search_is_answered_elsewhere(lab, upnpd, host, address):
    host = getattr(lab, host)
    for to in (SSDP, (getattr(lab, address), 1900)):
        for target in ("ssdp:all", "upnp:rootdevice"):
            assert ssdp_answers(host, target, timeout=0.3, to=to) == [], to
    assert ssdp_answers(lab.pc1, "upnp:rootdevice", to=(lab.lan_address, 1900), first_only=True)


def test_no_packet_leaves_on_the_wan_or_to_the_other_lan(make_lab):
    """From start to stop, with announcements, mappings and events. What the router sends there by
    itself is ARP and IPv6's own."""
    lab = make_lab()
    upnpd = Upnpd(lab, notify_interval=2)
    captures = [Capture(lab.router, "wan"), Capture(lab.router, "guest")]
    upnpd.start()
    igd = find_igd(lab.pc1)
    igd.add(8080)
    time.sleep(3)  # more than one round of announcements
    igd.delete(8080)
    upnpd.stop()
    for capture in captures:
        capture.close()
        assert capture.ipv4_packets() == []


# ---- the device alone: no guard, and a source address that the LAN has ----

def test_a_socket_bound_to_its_device_hears_nothing_from_elsewhere(lab, upnpd, ports, without_guard):
    at_pc = Capture(lab.pc1)
    router_mac = mac_of(lab.router, "wan")
    with Wire(lab.inet1) as wan:
        for port in ports.values():
            wan.send(router_mac, tcp_syn(lab.pc1.address, 40000, lab.lan_address, port))
        for to, mac in ((lab.lan_address, router_mac), (SSDP[0], multicast_mac(SSDP[0]))):
            wan.send(mac, udp(lab.pc1.address, 40001, to, 1900, m_search("upnp:rootdevice")))
    time.sleep(0.5)
    # The same from the LAN is answered: the packets are good.
    with Wire(lab.pc2) as lan:
        lan_mac = mac_of(lab.router, "lan")
        lan.send(lan_mac, tcp_syn(lab.pc1.address, 40002, lab.lan_address, ports["control"]))
        lan.send(lan_mac, udp(lab.pc1.address, 40003, lab.lan_address, 1900, m_search("upnp:rootdevice")))

    def answered(port):
        return [packet for packet in at_pc.ipv4_packets() if packet[4] == port
                # of TCP a SYN/ACK; of UDP anything
                and (packet[2] == socket.IPPROTO_UDP or packet[5][13] & 0x12 == 0x12)]
    wait_until(lambda: answered(40002) and answered(40003), 3, "the LAN's own are answered")
    at_pc.close()
    assert not answered(40000) and not answered(40001)


# ---- the guard alone: servers without any device or address check, on the same ports ----

class Everywhere:
    """Servers on the WAN, with the ports of upnpd."""

    def __init__(self, lab, ports):
        self._tcp = []
        for port in ports.values():
            self._tcp.append(lab.router.socket())
            # upnpd's own hold the port on every address of the LAN's device.
            self._tcp[-1].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wan")
            self._tcp[-1].bind((lab.wan_address, port))
            self._tcp[-1].listen()
        self.udp = lab.router.socket(type=socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind((lab.wan_address, 1900))
        self.udp.settimeout(0.4)

    def hears_searches(self, host, address):
        with host.udp() as endpoint:
            endpoint.sendto(m_search("ssdp:all"), (address, 1900))
        try:
            return bool(self.udp.recv(4096))
        except TimeoutError:
            return False

    def close(self):
        for server in (*self._tcp, self.udp):
            server.close()


def test_the_guard_closes_the_ports_whoever_listens(lab, upnpd, ports, closing):
    servers = closing(Everywhere(lab, ports))
    for port in ports.values():
        assert not is_open(lab.inet1, lab.wan_address, port)
    assert not servers.hears_searches(lab.inet1, lab.wan_address)
    os.kill(upnpd.pid, signal.SIGSTOP)
    try:
        lab.nft("flush chain inet upnpd guard")
        for port in ports.values():
            assert is_open(lab.inet1, lab.wan_address, port), "the servers were not there"
        assert servers.hears_searches(lab.inet1, lab.wan_address)
    finally:
        os.kill(upnpd.pid, signal.SIGCONT)


# ---- the address check alone: no guard, and by the LAN's own device ----

@pytest.fixture
def stranger(lab):
    """pc2 with an address of no LAN, to which the router knows the way."""
    lab.pc2.ip(f"addr add {STRANGER}/32 dev eth0\n")
    lab.router.ip(f"route add {STRANGER}/32 dev lan\n")
    yield lab.pc2
    lab.router.ip(f"route del {STRANGER}/32 dev lan\n")
    lab.pc2.ip(f"addr del {STRANGER}/32 dev eth0\n")


def connect_as(host, source, address, port):
    connection = host.socket()
    connection.settimeout(2)
    connection.bind((source, 0))
    connection.connect((address, port))
    return connection


def test_a_caller_with_a_foreign_address_is_refused(lab, ports, without_guard, stranger):
    igd = find_igd(lab.pc1)  # the stranger may even know the path
    path = igd.url(WAN_IP_1).partition("//")[2].partition("/")[2]
    body = envelope(WAN_IP_1, "GetExternalIPAddress")
    head = (f"POST /{path} HTTP/1.1\r\nHost: {lab.lan_address}:{ports['control']}\r\nContent-Type: text/xml\r\n"
            f"SOAPACTION: \"{WAN_IP_1}#GetExternalIPAddress\"\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    for source, status in ((lab.pc2.address, b"200"), (STRANGER, b"403")):
        with connect_as(stranger, source, lab.lan_address, ports["control"]) as connection:
            connection.sendall(head + body)
            assert connection.recv(4096).split()[1] == status


def test_a_searcher_with_a_foreign_address_is_not_answered(lab, upnpd, without_guard, stranger):
    def answers(source):
        with stranger.socket(type=socket.SOCK_DGRAM) as endpoint:
            endpoint.settimeout(1)
            endpoint.bind((source, 0))
            endpoint.sendto(m_search("upnp:rootdevice"), (lab.lan_address, 1900))
            try:
                return bool(endpoint.recv(4096))
            except TimeoutError:
                return False
    assert answers(lab.pc2.address)
    assert not answers(STRANGER)


def test_a_subscriber_with_a_foreign_address_is_not_served(lab, ports, without_guard, stranger):
    igd = find_igd(lab.pc1)
    path = "/" + igd.url(WAN_IP_1, "eventSubURL").partition("//")[2].partition("/")[2]
    port = ports["events"]

    def subscribe(source):
        with connect_as(stranger, source, lab.lan_address, port) as connection:
            connection.sendall((f"SUBSCRIBE {path} HTTP/1.1\r\nHost: {lab.lan_address}:{port}\r\n"
                                f"CALLBACK: <http://{source}:9/>\r\nNT: upnp:event\r\n\r\n").encode())
            try:
                return connection.recv(4096)
            except OSError:
                return b""
    assert b" 200 " in subscribe(lab.pc2.address)
    assert b" 200 " not in subscribe(STRANGER)
