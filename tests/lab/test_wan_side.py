"""To the internet, upnpd is not there: no answer, no announcement, no open port."""

import socket
import time

import pytest

from daemon import Upnpd
from igd_client import IGD1, find_igd, m_search, ssdp_answers
from namespace import wait_until
from traffic import Capture


@pytest.fixture(scope="module")
def watched(lab):
    """upnpd, with the WAN watched from before its start; inet1 knows the way to the home's LAN."""
    capture = Capture(lab.inet1)
    lab.inet1.ip(f"route add 192.168.77.0/24 via {lab.wan_address}\n")
    upnpd = Upnpd(lab).start()
    yield upnpd, capture
    capture.close()


def ports(upnpd):
    lan = upnpd.status()["lans"][0]
    return lan["http_port"], lan["event_port"]


@pytest.mark.parametrize("to", ["multicast", "wan_address", "lan_address"])
@pytest.mark.parametrize("target", ["ssdp:all", "upnp:rootdevice", IGD1])
def test_no_search_is_answered(lab, watched, to, target):
    address = "239.255.255.250" if to == "multicast" else getattr(lab, to)
    assert ssdp_answers(lab.inet1, target, timeout=0.5, to=(address, 1900)) == []


def test_a_search_with_a_lan_hosts_address_is_not_answered_into_the_wan(lab, watched):
    _, capture = watched
    with lab.inet1.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as forger:
        search = m_search(IGD1)
        udp = (40000).to_bytes(2, "big") + (1900).to_bytes(2, "big") + (8 + len(search)).to_bytes(2, "big") + b"\0\0"
        header = (b"\x45\0\0\0\0\0\0\0\x01\x11\0\0" + socket.inet_aton("198.51.100.9")
                  + socket.inet_aton(lab.wan_address))
        forger.sendto(header + udp + search, (lab.wan_address, 0))
    time.sleep(0.5)
    assert not [p for p in capture.ipv4_packets() if p[1] == "198.51.100.9"]


@pytest.mark.parametrize("to", ["wan_address", "lan_address"])
@pytest.mark.parametrize("method", ["GET", "POST", "SUBSCRIBE"])
def test_no_http_request_is_answered(lab, watched, to, method):
    upnpd, _ = watched
    path = find_igd(lab.pc1).location.partition("//")[2].partition("/")[2]
    address = getattr(lab, to)
    for port in ports(upnpd):
        try:
            with lab.inet1.connect(address, port, timeout=0.3) as connection:
                connection.sendall(f"{method} /{path} HTTP/1.1\r\nHost: {address}:{port}\r\n"
                                   "Content-Length: 0\r\n\r\n".encode())
                answer = connection.recv(4096)
        except OSError:
            continue
        assert answer == b"", f"{address}:{port}"


def test_no_port_of_the_router_is_open_on_the_wan(lab, watched):
    upnpd, _ = watched
    for port in {*ports(upnpd), 1900, 5000, 49152, 49153, 49154}:
        with pytest.raises(OSError):
            lab.inet1.connect(lab.wan_address, port, timeout=0.3).close()


def test_nothing_of_ours_leaves_on_the_wan(lab, watched):
    upnpd, capture = watched
    find_igd(lab.pc1).add(8080, 80)
    wait_until(lambda: ssdp_answers(lab.pc1, "ssdp:all", timeout=1), 3, "the LAN is served")
    from_router = [p for p in capture.ipv4_packets()
                   if p[0] in (lab.wan_address, lab.lan_address, "0.0.0.0")]
    group = socket.inet_aton("239.255.255.250")
    assert not [p for p in from_router if p[2] == socket.IPPROTO_UDP and 1900 in p[3:5]], "SSDP"
    assert not [p for p in from_router if p[2] == socket.IPPROTO_IGMP and group in p[5]], "IGMP"
    find_igd(lab.pc1).delete(8080)


def test_a_network_that_is_no_lan_of_upnpd_is_not_answered(lab, watched):
    upnpd, _ = watched
    for address in (lab.guest_address, lab.lan_address, "239.255.255.250"):
        assert ssdp_answers(lab.visitor, "ssdp:all", timeout=0.4, to=(address, 1900)) == []
    for address in (lab.guest_address, lab.lan_address, lab.wan_address):
        for port in ports(upnpd):
            with pytest.raises(OSError):
                lab.visitor.connect(address, port, timeout=0.3).close()
