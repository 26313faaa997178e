"""One host does its worst; another's AddPortMapping still succeeds, soon, and no process grows or falls.

What is measured is printed (pytest -s). The limits that are asserted leave room for a loaded machine
of two cores on which the attacker, too, has its share: the figures of an idle one are in docs/security.md.
"""

import os
import random
import socket
import time

import pytest

from attacker import Attack, HonestClient, address_space_limit_of, memory_of
from daemon import Upnpd
from igd_client import SSDP, WAN_IP_1, envelope, find_igd, m_search, mapping_arguments
from namespace import wait_until
from raw import Wire, mac_of, multicast_mac, udp
from traffic import Capture

MEDIAN_WITHIN, P99_WITHIN = 0.1, 1.0  # seconds
MOST_RESIDENT = 48 * 1024  # KB, any process: a router has 64 MB


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab, max_requests_per_second=500).start()


@pytest.fixture(scope="module")
def victim(upnpd, lab):
    """The address of the control port, as the attacker finds it."""
    return lab.lan_address, upnpd.status()["lans"][0]["http_port"]


@pytest.fixture
def honest(lab, upnpd):
    """pc2's client; at the end it has been served, and every process is the one it was."""
    client = HonestClient(find_igd(lab.pc2))
    before = upnpd.status()["processes"]
    yield client
    print(f"\n  {client}")
    assert not client.failures, client.failures[:3]
    assert client.percentile(50) < MEDIAN_WITHIN and client.percentile(99) < P99_WITHIN
    assert upnpd.status()["processes"] == before, upnpd.log()
    for process in before:
        resident, peak = memory_of(process["pid"])
        limit = address_space_limit_of(process["pid"])
        print(f"  {process['role']}: {resident} KB resident, {peak} KB of {limit} KB address space at most")
        assert resident < MOST_RESIDENT or os.environ.get("UPNPD_SANITIZED")
        assert limit is None or peak < limit


def held_open(victim, count, payload):
    """Work for an Attack: `count` connections that each send `payload` and then stay."""
    held = []

    def work():
        while len(held) < count:
            connection = socket.socket()
            connection.settimeout(0.2)
            try:
                connection.connect(victim)
                connection.sendall(payload)
                held.append(connection)
            except OSError:
                connection.close()
                break
        for connection in held[:]:
            try:
                connection.sendall(b"a")
            except OSError:
                held.remove(connection)
                connection.close()
        time.sleep(0.05)
    return work


def one_request(victim, make):
    """Work for an Attack: a connection, everything that `make()` yields, until it is cut."""
    def work():
        try:
            with socket.create_connection(victim, 1) as connection:
                for part in make():
                    connection.sendall(part)
                connection.recv(1000)
        except OSError:
            pass
    return work


def control_head(igd, *headers):
    path = "/" + igd.url(WAN_IP_1).split("/", 3)[3]
    host = igd.location.split("/")[2]
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: text/xml",
                        f'SOAPACTION: "{WAN_IP_1}#AddPortMapping"', *headers, "", ""]).encode()


def chunks(data=b"a" * 4000):
    while True:
        yield b"%x\r\n%s\r\n" % (len(data), data)


def http_attacks(lab, victim):
    igd = find_igd(lab.pc1)

    def body(content):
        return lambda: [control_head(igd, f"Content-Length: {len(content)}"), content]
    nested = b"<a>" * 100_000
    bomb = (b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
            + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12))
            + b"]><s:Envelope>&m;</s:Envelope>")
    return {
        "1 000 held connections": held_open(victim, 1000, b""),
        "1 000 slow heads": held_open(victim, 1000, b"POST / HTTP/1.1\r\nX: "),
        "slow bodies": held_open(victim, 1000, control_head(igd, "Content-Length: 16000")),
        "a gigabyte promised": one_request(
            victim, lambda: [control_head(igd, "Content-Length: 1073741824"), *([b"a" * 65536] * 64)]),
        "endless chunks": one_request(victim, lambda: (part for source in (
            [control_head(igd, "Transfer-Encoding: chunked")], chunks()) for part in source)),
        "endless header": one_request(victim, lambda: (part for source in (
            [b"GET / HTTP/1.1\r\nX: "], iter(lambda: b"a" * 4000, None)) for part in source)),
        "100 000 levels": one_request(victim, body(nested)),
        "5 000 levels": one_request(victim, body(nested[:15_000])),
        "entities": one_request(victim, body(bomb)),
        "connections alone": one_request(victim, lambda: []),
        "refused requests": one_request(victim, body(envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(
            4000, client="192.168.77.20")))),
    }


ATTACKS = ("1 000 held connections", "1 000 slow heads", "slow bodies", "a gigabyte promised", "endless chunks",
           "endless header", "100 000 levels", "5 000 levels", "entities", "connections alone", "refused requests")


@pytest.mark.parametrize("name", ATTACKS)
def test_http(lab, victim, honest, closing, name):
    closing(Attack(lab.pc1, http_attacks(lab, victim)[name]))
    time.sleep(0.5)
    honest.map_for(2)


def test_70_000_adds_by_one_host(make_lab):
    """By its quota it has max_mappings_per_host of them; a kept connection is how fast it goes."""
    lab = make_lab()
    upnpd = Upnpd(lab, max_requests_per_second=0, max_mappings_per_host=1024).start()
    igd = find_igd(lab.pc1)
    victim = lab.lan_address, upnpd.status()["lans"][0]["http_port"]
    port = [1024]

    def work():
        with socket.create_connection(victim, 2) as connection:
            for _ in range(1000):
                port[0] = 1024 + (port[0] - 1023) % 64000
                body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(
                    port[0], 4000, random.choice(("TCP", "UDP")), client="192.168.77.10"))
                connection.sendall(control_head(igd, f"Content-Length: {len(body)}") + body)
                connection.recv(4096)
    attack = Attack(lab.pc1, work)
    honest = HonestClient(find_igd(lab.pc2)).map_for(5)
    time.sleep(0 if os.environ.get("CI") else 5)
    attack.close()
    print(f"\n  {honest}, {len(upnpd.mappings())} mappings")
    assert not honest.failures and honest.percentile(99) < P99_WITHIN
    assert sum(mapping["client"] == "192.168.77.10" for mapping in upnpd.mappings()) <= 1024
    for process in upnpd.status()["processes"]:
        assert memory_of(process["pid"])[0] < MOST_RESIDENT or os.environ.get("UPNPD_SANITIZED")
        assert process["restarts"] == 0
    upnpd.stop()


def test_one_host_cannot_ask_more_than_its_rate(lab, upnpd, victim, honest, closing):
    igd = find_igd(lab.pc1)
    body = envelope(WAN_IP_1, "GetSpecificPortMappingEntry",
                    {"NewRemoteHost": "", "NewExternalPort": 4000, "NewProtocol": "TCP"})
    head = control_head(igd, f"Content-Length: {len(body)}").replace(b"AddPortMapping", b"GetSpecificPortMappingEntry")
    refused = 0
    with lab.pc1.connect(*victim) as connection:
        begin = time.monotonic()
        for _ in range(3000):
            connection.sendall(head + body)
            refused += b"<errorCode>501<" in connection.recv(4096)
        took = time.monotonic() - begin
    # A burst of twice the rate, and the rate while it lasts.
    assert refused >= 3000 - 1000 - 500 * took - 50
    print(f"\n  {refused} of 3000 requests in {took:.1f} s refused")
    honest.map_for(0.5)


def test_a_client_cannot_flood_the_log(lab, upnpd, victim):
    """Refusals, and mappings in a loop: of each a burst, then some a second."""
    igd = find_igd(lab.pc1)
    before = len(upnpd.log().splitlines())
    begin = time.monotonic()
    body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(4000, client="192.168.77.20"))
    good = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(4000, client="192.168.77.10"))
    with lab.pc1.connect(*victim) as connection:
        for content in [body] * 1000 + [good] * 1000:
            connection.sendall(control_head(igd, f"Content-Length: {len(content)}") + content)
            connection.recv(4096)
    igd.delete(4000)
    took = time.monotonic() - begin
    lines = len(upnpd.log().splitlines()) - before
    print(f"\n  {lines} lines for 2000 requests in {took:.1f} s")
    assert lines <= 10 + 100 + 8 * took + 10
    # Another host's refusal is still told.
    other = find_igd(lab.pc2)
    with pytest.raises(Exception):
        other.add(4000, client="192.168.77.10")
    assert "refused 192.168.77.20" in upnpd.log()


# ---- SSDP ----

def flood(lab, sources, mx, target="ssdp:all"):
    """Work for an Attack: multicast searches from `sources`, as fast as the wire takes them."""
    mac = multicast_mac(SSDP[0])
    packets = [udp(source, 5000 + i, SSDP[0], 1900, m_search(target, mx=mx)) for i, source in enumerate(sources)]
    wire = None

    def work():
        nonlocal wire
        wire = wire or Wire(lab.pc1)
        for packet in packets * max(1, 100 // len(packets)):
            wire.send(mac, packet)
        time.sleep(0.005)
    return work


ON_LINK = [f"192.168.77.{host}" for host in range(30, 250)]
OFF_LINK = [f"198.51.100.{host}" for host in range(1, 250)]


@pytest.mark.parametrize("sources, mx", [(["192.168.77.10"], 1), (["192.168.77.10"], 2**31), (ON_LINK, 3),
                                         (OFF_LINK, 1)], ids=["own", "own-giant-MX", "spoofed-on-link", "spoofed-off-link"])
def test_searches_by_the_thousand(lab, upnpd, honest, sources, mx):
    capture = Capture(lab.router, "lan")
    attack = Attack(lab.pc1, flood(lab, sources, mx))
    honest.map_for(2)
    # Whoever is flooded, or told to be looked for: another host finds the gateway meanwhile.
    wait_until(lambda: find_igd(lab.pc2, timeout=1), 10, "another host finds the gateway")
    attack.close()
    time.sleep(0.3)
    capture.close()
    packets = [p for p in capture.ipv4_packets() if p[2] == socket.IPPROTO_UDP]
    asked = [len(p[5]) + 20 for p in packets if p[4] == 1900 and p[0] != lab.lan_address]
    answered = [len(p[5]) + 20 for p in packets if p[3] == 1900 and p[0] == lab.lan_address and p[1] in sources]
    print(f"\n  {len(asked)} searches, {sum(asked)} bytes; {len(answered)} answers, {sum(answered)} bytes")
    assert len(asked) > 2000, "the attack did not reach the router"
    assert sum(answered) < sum(asked)
    if sources is OFF_LINK:
        assert answered == []


def test_after_the_flood_another_host_is_answered(lab, upnpd):
    attack = Attack(lab.pc1, flood(lab, ["192.168.77.10"], 1))
    try:
        time.sleep(0.5)
        assert find_igd(lab.pc2, timeout=3)
    finally:
        attack.close()
    assert mac_of(lab.router, "lan")


def test_a_search_that_would_be_answered_to_nobody_is_not_answered(lab, upnpd):
    """To a network, to the router itself, to port 0."""
    capture = Capture(lab.router, "lan")
    with Wire(lab.pc1) as wire:
        for _ in range(50):
            wire.send(multicast_mac(SSDP[0]), udp("192.168.77.10", 0, SSDP[0], 1900, m_search("ssdp:all")))
            for source in ("192.168.77.255", "192.168.77.0", "255.255.255.255", "239.255.255.250", "127.0.0.1",
                           "192.168.77.1", "0.0.0.0"):
                wire.send(multicast_mac(SSDP[0]), udp(source, 5000, SSDP[0], 1900, m_search("ssdp:all")))
    time.sleep(0.5)
    capture.close()
    assert not [p for p in capture.ipv4_packets() if p[3] == 1900 and p[0] == lab.lan_address]
