"""The LAN reaches a mapping by the external address, as the internet does (NAT loopback)."""

import pytest

from igd_client import find_igd
from namespace import wait_until
from traffic import UdpEcho, WebServer, fetch, is_closed, is_echoed, udp_passes


@pytest.mark.parametrize("client", ["pc1", "pc2"])
def test_a_lan_host_reaches_the_mapping_by_the_external_address(lab, upnpd, closing, client):
    host = getattr(lab, client)
    server = closing(WebServer(lab.pc1, 80, "a page of the PC"))
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    assert is_closed(host, lab.wan_address, 8080)
    igd.add(8080, 80)
    igd.add(8080, 5000, protocol="UDP")
    assert fetch(host, lab.wan_address, 8080) == "a page of the PC"
    assert server.clients[-1][0] == lab.lan_address, "the source is rewritten, or the answer would miss"
    assert udp_passes(host, lab.wan_address, 8080)
    igd.delete(8080)
    igd.delete(8080, protocol="UDP")
    assert is_closed(host, lab.wan_address, 8080)


@pytest.mark.parametrize("client", ["pc1", "pc2"])
def test_a_lan_host_that_sends_before_there_is_a_mapping_gets_in_with_it(lab, upnpd, closing, client):
    closing(UdpEcho(lab.pc1, 5001))
    igd = find_igd(lab.pc1)
    to = (lab.wan_address, 8081)
    with getattr(lab, client).udp(timeout=0.1) as peer:
        assert not is_echoed(peer, to)
        igd.add(8081, 5001, protocol="UDP")
        wait_until(lambda: is_echoed(peer, to), 2, "the host, which goes on sending, gets in")
    igd.delete(8081, protocol="UDP")


def test_the_routers_lan_address_is_never_shadowed(lab, upnpd, closing):
    closing(WebServer(lab.router, 8090, "the router's own page"))
    closing(WebServer(lab.pc1, 80, "a page of the PC"))
    igd = find_igd(lab.pc1)
    igd.add(8091, 80)
    assert is_closed(lab.pc2, lab.lan_address, 8091)
    assert fetch(lab.pc2, lab.lan_address, 8090) == "the router's own page"
    igd.delete(8091)
