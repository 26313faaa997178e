"""From the WAN, or from another LAN, nothing of upnpd answers, and nothing of it is heard there.

Three walls stand one behind the other: the sockets are bound to the LAN's device, nftables guards the
ports, the caller's address is checked in each request. Each is tried here with the other two taken
away or walked round: for control, events and searches, over IPv4 and over IPv6.
"""

import os
import signal
import socket
import time

import pytest

from daemon import Upnpd
from families import FAMILIES, connection
from igd_client import WAN_IP_1, envelope, find_igd, m_search
from ipv6 import add_ipv6, wait_for_addresses
from namespace import wait_until
from raw import Wire, mac_of, multicast_mac, tcp_syn, udp
from traffic import Capture


def home(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    for name in ("all", "wan", "lan", "guest"):
        lab.router.sysctl(f"net.ipv4.conf.{name}.rp_filter=0")
    # The internet and the visitor know the way to the LAN: only upnpd and its table stand between.
    lab.inet1.ip(f"route add 192.168.0.0/16 via {lab.wan_address}\n")
    wait_for_addresses(lab)
    return lab


@pytest.fixture(scope="module")
def lab(make_lab):
    return home(make_lab)


@pytest.fixture(scope="module")
def upnpd(lab):
    upnpd = Upnpd(lab, table_owner="no").start()
    wait_until(lambda: FAMILIES[1].search(lab.pc1, "ff02::c", "upnp:rootdevice"), 5, upnpd.log)
    return upnpd


@pytest.fixture(scope="module")
def ports(upnpd):
    lan = upnpd.status()["lans"][0]
    return {"control": lan["http_port"], "events": lan["event_port"]}


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def net(request):
    return request.param


@pytest.fixture(scope="module")
def paths(lab, upnpd, net):
    """Where control and events are: an attacker may know."""
    igd = net.igd(lab.pc1)
    return {kind: "/" + igd.url(WAN_IP_1, url).split("/", 3)[3]
            for kind, url in (("control", "controlURL"), ("events", "eventSubURL"))}


@pytest.fixture
def without_guard(lab, upnpd):
    """The guard chain has no rules. The gateway, which would put them back, is stopped; its children
    go on."""
    os.kill(upnpd.pid, signal.SIGSTOP)
    lab.nft("flush chain inet upnpd guard")
    yield
    os.kill(upnpd.pid, signal.SIGCONT)
    wait_until(lambda: "drop" in lab.table().partition("chain guard")[2], 5, "the guard is back")


def is_open(net, host, address, port):
    try:
        connection(net, host, address, port, timeout=0.4).close()
        return True
    except OSError:
        return False


OUTSIDE = pytest.mark.parametrize("host, to", [("inet1", "lan"), ("inet1", "wan"), ("visitor", "lan"), ("visitor", "guest")])


@OUTSIDE
@pytest.mark.parametrize("port", ["control", "events"])
def test_no_tcp_port_answers_elsewhere(lab, net, ports, host, to, port):
    assert is_open(net, lab.pc1, net.routers(lab, "lan"), ports[port])
    assert not is_open(net, getattr(lab, host), net.routers(lab, to), ports[port])


@OUTSIDE
def test_no_search_is_answered_elsewhere(lab, upnpd, net, host, to):
    for address in (*net.groups, net.routers(lab, to)):
        for target in ("ssdp:all", "upnp:rootdevice"):
            assert net.search(getattr(lab, host), address, target) == [], address
    assert net.search(lab.pc1, net.routers(lab, "lan"), "upnp:rootdevice", 1)


def test_no_packet_leaves_on_the_wan_or_to_the_other_lan(make_lab):
    """From start to stop, with announcements, mappings and events. What the router sends there by
    itself is ARP and IPv6's own."""
    lab = home(make_lab)
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
        assert capture.packets() == []


# ---- the device alone: no guard, and a source address that the LAN has ----

def test_a_socket_bound_to_its_device_hears_nothing_from_elsewhere(lab, net, ports, without_guard):
    at_pc = Capture(lab.pc1)
    router_mac, lan_mac = mac_of(lab.router, "wan"), mac_of(lab.router, "lan")
    pc1, router = net.of(lab.pc1), net.routers(lab, "lan")
    search = m_search("upnp:rootdevice")

    def send_all(wire, mac, first):
        """From a port of its own each; the number of them."""
        packets = [(mac, tcp_syn(pc1, first + i, router, port)) for i, port in enumerate(ports.values())]
        for to, to_mac in ((router, mac), *((group, multicast_mac(group)) for group in net.groups)):
            packets.append((to_mac, udp(pc1, first + len(packets), to, 1900, search)))
        for to_mac, packet in packets:
            wire.send(to_mac, packet)
        return len(packets)
    with Wire(lab.inet1) as wan:
        count = send_all(wan, router_mac, 40000)
    time.sleep(0.5)
    # The same from the LAN is answered: the packets are good.
    with Wire(lab.pc2) as lan:
        send_all(lan, lan_mac, 41000)

    def answered():
        return {packet[4] for packet in at_pc.packets()
                # of TCP a SYN/ACK; of UDP anything
                if packet[2] == socket.IPPROTO_UDP or packet[5][13] & 0x12 == 0x12}
    wait_until(lambda: answered() >= set(range(41000, 41000 + count)), 3, lambda: f"all are answered: {answered()}")
    at_pc.close()
    assert not answered() & set(range(40000, 40000 + count))


# ---- the guard alone: servers without any device or address check, on the same ports ----

class Everywhere:
    """Servers on the WAN, with the ports of upnpd."""

    def __init__(self, lab, net, ports):
        self._net = net
        self._tcp = []
        address = net.routers(lab, "wan")
        for port in ports.values():
            self._tcp.append(lab.router.socket(net.family))
            # upnpd's own hold the port on every address of the LAN's device.
            self._tcp[-1].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wan")
            self._tcp[-1].bind((address, port))
            self._tcp[-1].listen()
        self.udp = lab.router.socket(net.family, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind((address, 1900))
        self.udp.settimeout(0.4)

    def hears_searches(self, host, address):
        with host.socket(self._net.family, socket.SOCK_DGRAM) as endpoint:
            endpoint.sendto(m_search("ssdp:all"), (address, 1900))
        try:
            return bool(self.udp.recv(4096))
        except TimeoutError:
            return False

    def close(self):
        for server in (*self._tcp, self.udp):
            server.close()


def test_the_guard_closes_the_ports_whoever_listens(lab, upnpd, net, ports, closing):
    servers = closing(Everywhere(lab, net, ports))
    wan = net.routers(lab, "wan")
    for port in ports.values():
        assert not is_open(net, lab.inet1, wan, port)
    assert not servers.hears_searches(lab.inet1, wan)
    os.kill(upnpd.pid, signal.SIGSTOP)
    try:
        lab.nft("flush chain inet upnpd guard")
        for port in ports.values():
            assert is_open(net, lab.inet1, wan, port), "the servers were not there"
        assert servers.hears_searches(lab.inet1, wan)
    finally:
        os.kill(upnpd.pid, signal.SIGCONT)
    wait_until(lambda: "drop" in lab.table().partition("chain guard")[2], 5, "the guard is back")


# ---- the address check alone: no guard, and by the LAN's own device ----

@pytest.fixture
def stranger(lab, net):
    """pc2 with an address of no LAN, to which the router knows the way."""
    lab.pc2.ip(f"addr add {net.stranger} dev eth0 {'nodad' if net.name == 'IPv6' else ''}\n")
    lab.router.ip(f"route add {net.stranger} dev lan\n")
    yield net.stranger.partition("/")[0]
    lab.router.ip(f"route del {net.stranger} dev lan\n")
    lab.pc2.ip(f"addr del {net.stranger} dev eth0\n")


def answer_to(net, lab, source, port, request):
    """What comes back to `request` from that address of pc2; b"" when the connection is just closed."""
    with connection(net, lab.pc2, net.routers(lab, "lan"), port, source) as endpoint:
        try:
            endpoint.sendall(request)
            return endpoint.recv(4096)
        except ConnectionError:
            return b""


def test_a_caller_with_a_foreign_address_is_refused(lab, net, ports, paths, without_guard, stranger):
    body = envelope(WAN_IP_1, "GetExternalIPAddress")
    host = f"{net.literal(net.routers(lab, 'lan'))}:{ports['control']}"
    head = (f"POST {paths['control']} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\n"
            f"SOAPACTION: \"{WAN_IP_1}#GetExternalIPAddress\"\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    for source, status in ((net.of(lab.pc2), b"200"), (stranger, b"403")):
        assert answer_to(net, lab, source, ports["control"], head + body).split()[1] == status


def test_a_searcher_with_a_foreign_address_is_not_answered(lab, upnpd, net, without_guard, stranger):
    def answers(source):
        with lab.pc2.socket(net.family, socket.SOCK_DGRAM) as endpoint:
            endpoint.settimeout(1)
            endpoint.bind((source, 0))
            endpoint.sendto(m_search("upnp:rootdevice"), (net.routers(lab, "lan"), 1900))
            try:
                return bool(endpoint.recv(4096))
            except TimeoutError:
                return False
    assert answers(net.of(lab.pc2))
    assert not answers(stranger)


def test_a_subscriber_with_a_foreign_address_is_not_served(lab, net, ports, paths, without_guard, stranger):
    def subscribe(source):
        host = f"{net.literal(net.routers(lab, 'lan'))}:{ports['events']}"
        return answer_to(net, lab, source, ports["events"], (
            f"SUBSCRIBE {paths['events']} HTTP/1.1\r\nHost: {host}\r\n"
            f"CALLBACK: <http://{net.literal(source)}:9/>\r\nNT: upnp:event\r\n\r\n").encode())
    assert b" 200 " in subscribe(net.of(lab.pc2))
    assert b" 200 " not in subscribe(stranger)
