"""The LAN reaches a mapping by the external address, as the internet does (NAT loopback)."""

import pytest

from igd_client import find_igd
from traffic import UdpEcho, WebServer, fetch, is_closed, udp_passes


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


def test_the_routers_lan_address_is_never_shadowed(lab, upnpd, closing):
    closing(WebServer(lab.router, 8090, "the router's own page"))
    closing(WebServer(lab.pc1, 80, "a page of the PC"))
    igd = find_igd(lab.pc1)
    igd.add(8091, 80)
    assert is_closed(lab.pc2, lab.lan_address, 8091)
    assert fetch(lab.pc2, lab.lan_address, 8090) == "the router's own page"
    igd.delete(8091)
