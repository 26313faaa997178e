"""What a mapped program sends leaves by its external port, and what others redirect keeps its sender."""

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until
from traffic import UdpEcho

GAME, SERVER = 3074, 5000


@pytest.fixture
def lab(make_lab):
    """One for each test: the router remembers flows for longer than a test lasts."""
    return make_lab()


@pytest.fixture
def upnpd(lab):
    return Upnpd(lab).start()


@pytest.fixture
def server(lab, closing):
    return closing(UdpEcho(lab.inet1, SERVER))


def seen_as(host, port, server, to):
    """The address and port that `server` at `to` sees the host's socket of `port` by; None when its answer does not come."""
    with host.udp(port, timeout=1) as game:
        game.sendto(b"here I am", to)
        try:
            game.recvfrom(64)
        except TimeoutError:
            return None
    return server.senders[-1]


@pytest.mark.parametrize("external_port", [GAME, GAME + 1])
def test_a_mapped_socket_leaves_by_its_external_port(lab, upnpd, server, external_port):
    find_igd(lab.pc1).add(external_port, GAME, protocol="UDP")
    assert seen_as(lab.pc1, GAME, server, (lab.inet1.address, SERVER)) == (lab.wan_address, external_port)


def test_a_port_that_changes_hands_serves_its_new_owner_at_once(lab, upnpd, server):
    to = (lab.inet1.address, SERVER)
    find_igd(lab.pc2).add(GAME, GAME, protocol="UDP")
    assert seen_as(lab.pc2, GAME, server, to) == (lab.wan_address, GAME)
    find_igd(lab.pc2).delete(GAME, protocol="UDP")
    find_igd(lab.pc1).add(GAME, GAME, protocol="UDP")
    # The flows of the former mapping end a moment after it.
    seen = wait_until(lambda: seen_as(lab.pc1, GAME, server, to), 3, "an answer")
    assert seen == (lab.wan_address, GAME)


def test_another_tables_redirect_between_lans_keeps_the_callers_address(lab, closing):
    filtering = closing(UdpEcho(lab.visitor, SERVER))
    lab.nft("table ip redirects { chain prerouting { type nat hook prerouting priority dstnat;\n"
            f'  iifname "lan" udp dport 53 dnat to {lab.visitor.address}:{SERVER}\n}}\n}}')
    Upnpd(lab, listening_ip=["lan", "guest"]).start()
    assert seen_as(lab.pc1, 4000, filtering, (lab.inet1.address, 53)) == (lab.pc1.address, 4000)
