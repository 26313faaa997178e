"""CallStranger (CVE-2020-12695) and its kin: an event goes to its subscriber, and to nobody else."""

import socket

import pytest

from daemon import Upnpd
from gena import Subscriber
from igd_client import LAYER3, WAN_COMMON, WAN_IP_1, find_igd
from namespace import wait_until
from traffic import Capture

PORT = 7777  # of every callback here


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab()


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def calls(lab):
    """Every packet to or from PORT, and every question to a resolver, on all wires and in the router."""
    captures = [Capture(host) for host in (lab.inet1, lab.inet2, lab.pc1, lab.pc2, lab.visitor)]
    captures += [Capture(lab.router, interface) for interface in ("wan", "lan", "guest", "lo")]

    def seen():
        return [packet for capture in captures for packet in capture.ipv4_packets()
                if packet[4] in (PORT, 53) or packet[3] in (PORT, 53)]
    yield seen
    for capture in captures:
        capture.close()


def subscribe(igd, callback, service=WAN_IP_1):
    """The status of a SUBSCRIBE, None when the connection is just closed."""
    try:
        return igd.http("SUBSCRIBE", igd.url(service, "eventSubURL"),
                        {"CALLBACK": callback, "NT": "upnp:event", "TIMEOUT": "Second-1800"})[0]
    except OSError:
        return None


def cause_events(igd):
    igd.add(8080)
    igd.delete(8080)
    # An event that does come says that the others had their time.
    subscriber = Subscriber(igd, WAN_IP_1)
    subscriber.next()
    igd.add(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "1")
    igd.delete(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "0")
    subscriber.unsubscribe()
    subscriber.close()


STRANGERS = ["203.0.113.10", "203.0.113.20", "203.0.113.1", "192.168.77.20", "192.168.77.1", "192.168.77.255",
             "192.168.77.0", "192.168.78.30", "192.168.78.1", "127.0.0.1", "0.0.0.0", "255.255.255.255",
             "239.255.255.250", "224.0.0.1", "169.254.1.1", "evil.example", "localhost", "0xc0a84d14", "3232255252",
             "0300.0250.0115.024", "192.168.77.10.evil.example", "192.168.77.10@192.168.77.20", "[::1]",
             "[::ffff:192.168.77.20]", "[fe80::1]", "192.168.77.20#192.168.77.10", "192.168.77.20%2f192.168.77.10"]


def test_a_callback_to_a_stranger_causes_no_packet(lab, upnpd, igd, calls):
    for host in STRANGERS:
        subscribe(igd, f"<http://{host}:{PORT}/>")
    cause_events(igd)
    assert calls() == []


def test_a_stranger_among_ones_own_urls_is_not_called(lab, upnpd, igd, calls):
    own = "<http://192.168.77.10:9/>"
    for callback in (f"{own}<http://192.168.77.20:{PORT}/>", f"<http://192.168.77.20:{PORT}/>{own}",
                     own * 500 + f"<http://203.0.113.10:{PORT}/>", f"<http://203.0.113.10:{PORT}/> " * 1000,
                     f"<HTTP://192.168.77.20:{PORT}/>", f"http://192.168.77.20:{PORT}/",
                     f"<http://192.168.77.10:9/\r\nX: http://192.168.77.20:{PORT}/>".replace("\r\n", " "),
                     f"<ftp://192.168.77.20:{PORT}/>", f"<//192.168.77.20:{PORT}/>"):
        subscribe(igd, callback)
    cause_events(igd)
    assert calls() == []


def test_a_redirect_is_not_followed(lab, upnpd, igd, calls):
    """The subscriber's own server answers the event with another place."""
    listener = lab.pc1.listen(0)
    listener.settimeout(5)
    own = listener.getsockname()[1]
    assert subscribe(igd, f"<http://192.168.77.10:{own}/>") == 200
    connection, _ = listener.accept()
    with connection, listener:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 307 Go\r\nLocation: http://192.168.77.20:%d/\r\nContent-Length: 0\r\n\r\n" % PORT)
    cause_events(igd)
    assert calls() == []


def test_subscribers_are_bounded_for_each_host_and_others_still_come_in(make_lab):
    """400 subscriptions of one host, to a port where nobody answers."""
    lab = make_lab()
    upnpd = Upnpd(lab).start()
    igd = find_igd(lab.pc1)
    announcer = upnpd.process("announcer")
    granted = sum(subscribe(igd, "<http://192.168.77.10:9/>", service) == 200
                  for _ in range(135) for service in (WAN_IP_1, WAN_COMMON, LAYER3))
    print(f"{granted} of 405 subscriptions granted")
    assert 1 <= granted <= 30
    other = Subscriber(find_igd(lab.pc2), WAN_IP_1)
    other.next()
    igd.add(8080)
    other.wait_for("PortMappingNumberOfEntries", "1")
    other.close()
    assert upnpd.process("announcer") == announcer, upnpd.log()


def test_held_event_connections_do_not_keep_another_subscriber_out(lab, upnpd, igd):
    port = upnpd.status()["lans"][0]["event_port"]
    held = []
    try:
        for _ in range(100):
            try:
                held.append(lab.pc1.connect(lab.lan_address, port, 0.5))
                held[-1].sendall(b"SUBSCRIBE / HTTP/1.1\r\nX:")
            except (OSError, socket.timeout):
                pass
        other = find_igd(lab.pc2)
        # libupnp has a few threads; each is held 3 s at most.
        subscriber = wait_until(lambda: subscribed(other), 15, "another host subscribes")
        subscriber.next()
        subscriber.close()
    finally:
        for connection in held:
            connection.close()


def subscribed(igd):
    try:
        subscriber = Subscriber(igd, WAN_IP_1)
    except OSError:
        return None
    if subscriber.status == 200:
        return subscriber
    subscriber.close()
    return None
