"""A port that the router itself serves to the WAN, or redirects by another table, is not mapped."""

import socket
import time

import pytest

from igd_client import WAN_IP_1, WAN_IP_2, SoapFault, find_igd

FRESH = 1.1  # seconds until the daemon looks again


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def bound(lab, closing):
    """Binds a socket in the router: bound(port), IPv4, TCP and any address by default."""
    def bind(port, kind=socket.SOCK_STREAM, address="0.0.0.0", family=socket.AF_INET, v6_only=False, device=None):
        made = closing(lab.router.socket(family, kind))
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6_only)
        if device:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen()
        time.sleep(FRESH)
    return bind


def error_of(call):
    try:
        call()
    except SoapFault as refused:
        return refused.code
    return None


@pytest.mark.parametrize("options, protocol", [
    ({}, "TCP"),
    ({"kind": socket.SOCK_DGRAM}, "UDP"),
    ({"address": "203.0.113.1"}, "TCP"),
    ({"device": "wan"}, "TCP"),
    ({"family": socket.AF_INET6, "address": "::"}, "TCP"),
    ({"family": socket.AF_INET6, "address": "::", "kind": socket.SOCK_DGRAM}, "UDP"),
], ids=str)
def test_the_routers_listener_keeps_its_port(igd, bound, options, protocol):
    bound(8100, **options)
    assert error_of(lambda: igd.add(8100, protocol=protocol, service=WAN_IP_1)) == 718
    assert error_of(lambda: igd.add(8100, protocol=protocol, service=WAN_IP_2)) == 729
    assert igd.add_any(8100, 80, protocol) == 8101
    igd.delete(8101, protocol)
    other = "UDP" if protocol == "TCP" else "TCP"
    igd.add(8100, protocol=other)
    igd.delete(8100, other)


@pytest.mark.parametrize("options", [
    {"address": "127.0.0.1"},
    {"address": "192.168.77.1"},
    {"device": "lan"},
    {"family": socket.AF_INET6, "address": "::", "v6_only": True},
    {"family": socket.AF_INET6, "address": "::1"},
], ids=str)
def test_a_listener_that_the_wan_cannot_reach_is_no_conflict(igd, bound, options):
    bound(8102, **options)
    igd.add(8102, service=WAN_IP_2)
    igd.delete(8102)


def test_a_mapping_that_is_there_is_renewed_beside_a_listener(igd, bound):
    igd.add(8103, service=WAN_IP_2)
    bound(8103)
    igd.add(8103, service=WAN_IP_2)
    igd.delete(8103)
    assert error_of(lambda: igd.add(8103, service=WAN_IP_2)) == 729


RULES = """
  map forwards { type inet_service : ipv4_addr; elements = { 8209 : 192.168.77.20 } }
  set places { type ipv4_addr . inet_service; flags interval; elements = { 203.0.113.1 . 8210-8211 } }
  chain dstnat {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "wan" jump dstnat_wan
    iifname "lan" jump dstnat_lan
  }
  chain dstnat_wan {
    tcp dport 8200 dnat to 192.168.77.20
    udp dport { 8201, 8203-8204 } counter dnat to 192.168.77.20:53
    tcp dport 8205-8206 redirect to :22
    meta l4proto { tcp, udp } th dport 8207 dnat to 192.168.77.20
    dnat to tcp dport map @forwards
    ip daddr . tcp dport @places dnat to 192.168.77.20
    tcp dport 8212 jump further
    tcp dport 8213 accept
    ip daddr 192.168.77.1 tcp dport 8214 dnat to 192.168.77.20
    udp dport 8216 iifname "lan" redirect to :53
  }
  chain further { ip saddr 198.51.100.0/24 dnat to 192.168.77.20; }
  chain dstnat_lan { tcp dport 8215 redirect to :53; }
"""
TAKEN = [(8200, "TCP"), (8201, "UDP"), (8203, "UDP"), (8204, "UDP"), (8205, "TCP"), (8206, "TCP"), (8207, "TCP"),
         (8207, "UDP"), (8209, "TCP"), (8210, "TCP"), (8211, "TCP"), (8212, "TCP")]
FREE = [(8200, "UDP"), (8202, "UDP"), (8208, "TCP"), (8213, "TCP"), (8214, "TCP"), (8215, "TCP"), (8216, "UDP")]


@pytest.fixture(scope="module", params=["ip", "inet"])
def redirects(lab, upnpd, request):
    rules = RULES
    if request.param == "inet":
        rules = rules.replace("dnat to", "dnat ip to")
    lab.nft(f"table {request.param} fw {{ {rules} }}")
    time.sleep(FRESH)
    yield
    lab.nft(f"delete table {request.param} fw")
    time.sleep(FRESH)


@pytest.mark.parametrize("port, protocol", TAKEN)
def test_a_static_redirect_keeps_its_port(igd, redirects, port, protocol):
    assert error_of(lambda: igd.add(port, protocol=protocol, service=WAN_IP_2)) == 729


@pytest.mark.parametrize("port, protocol", FREE)
def test_what_no_redirect_takes_from_the_wan_is_free(igd, redirects, port, protocol):
    igd.add(port, protocol=protocol, service=WAN_IP_2)
    igd.delete(port, protocol)


def test_a_redirect_that_goes_frees_its_port(lab, igd):
    lab.nft("table ip later { chain c { type nat hook prerouting priority dstnat; tcp dport 8220 redirect to :22;\n}\n}")
    time.sleep(FRESH)
    assert error_of(lambda: igd.add(8220, service=WAN_IP_2)) == 729
    lab.nft("delete table ip later")
    time.sleep(FRESH)
    igd.add(8220, service=WAN_IP_2)
    igd.delete(8220)
