"""A mapping passes traffic from the internet to the PC while it lasts, and not a moment longer."""

import pytest

from daemon import Upnpd
from igd_client import WAN_IP_2, SoapFault, find_igd
from namespace import wait_until
from traffic import UdpEcho, WebServer, fetch, is_closed, is_echoed, udp_passes


@pytest.fixture(scope="module", params=["accepting", "dropping"])
def lab(make_lab, request):
    return make_lab(firewall=request.param)


@pytest.fixture(scope="module")
def upnpd(lab):
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


@pytest.fixture
def igd(lab, upnpd):
    return find_igd(lab.pc1)


def test_tcp_passes_until_the_mapping_is_deleted(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "a page of the PC"))
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    igd.add(8080, 80, description="web")
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page of the PC"
    assert fetch(lab.inet2, lab.wan_address, 8080) == "a page of the PC"
    assert "8080" in lab.table()
    igd.delete(8080)
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    assert "8080" not in lab.table()


def test_udp_passes_until_the_mapping_is_deleted(lab, upnpd, igd, closing):
    echo = closing(UdpEcho(lab.pc1, 5000))
    assert not udp_passes(lab.inet1, lab.wan_address, 6000)
    igd.add(6000, 5000, protocol="UDP")
    assert udp_passes(lab.inet1, lab.wan_address, 6000)
    assert echo.senders[-1][0] == lab.inet1.address, "the PC sees the sender's own address"
    igd.delete(6000, protocol="UDP")
    assert not udp_passes(lab.inet1, lab.wan_address, 6000)


def test_tcp_and_udp_of_one_port_are_two_mappings(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 7000, "tcp"))
    closing(UdpEcho(lab.pc1, 7000))
    igd.add(7000)
    assert fetch(lab.inet1, lab.wan_address, 7000) == "tcp"
    assert not udp_passes(lab.inet1, lab.wan_address, 7000)
    igd.add(7000, protocol="UDP")
    igd.delete(7000)
    assert is_closed(lab.inet1, lab.wan_address, 7000)
    assert udp_passes(lab.inet1, lab.wan_address, 7000)
    igd.delete(7000, protocol="UDP")


def test_a_connection_of_a_deleted_mapping_ends(lab, upnpd, igd, closing):
    closing(UdpEcho(lab.pc1, 5001))
    igd.add(6001, 5001, protocol="UDP")
    to = (lab.wan_address, 6001)
    with lab.inet1.udp(timeout=0.2) as flow:
        assert is_echoed(flow, to)
        igd.delete(6001, protocol="UDP")
        wait_until(lambda: not is_echoed(flow, to), 2, "the flow, busy all the while, ends")
        assert not is_echoed(flow, to)


def test_a_peer_that_sends_before_there_is_a_mapping_gets_in_with_it(lab, upnpd, igd, closing):
    closing(UdpEcho(lab.pc1, 5002))
    to = (lab.wan_address, 6002)
    with lab.inet1.udp(timeout=0.1) as peer:
        assert not is_echoed(peer, to)
        igd.add(6002, 5002, protocol="UDP", enabled="0")
        assert not is_echoed(peer, to)
        for _ in range(2):
            igd.add(6002, 5002, protocol="UDP")
            wait_until(lambda: is_echoed(peer, to), 2, "the peer, which goes on sending, gets in")
            igd.delete(6002, protocol="UDP")
            wait_until(lambda: not is_echoed(peer, to), 2, "its flow ends")
            assert not is_echoed(peer, to)


def test_a_remote_host_is_let_in_alone(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "for one"))
    igd.add(8081, 80, remote_host=lab.inet1.address, service=WAN_IP_2)
    assert fetch(lab.inet1, lab.wan_address, 8081) == "for one"
    assert is_closed(lab.inet2, lab.wan_address, 8081)
    igd.delete(8081, remote_host=lab.inet1.address)
    assert is_closed(lab.inet1, lab.wan_address, 8081)


def test_two_remote_hosts_lead_to_two_places_side_by_side(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "for the first"))
    closing(WebServer(lab.pc1, 81, "for the second"))
    closing(WebServer(lab.pc1, 82, "for anybody"))
    igd.add(8086, 80, remote_host=lab.inet1.address, service=WAN_IP_2)
    igd.add(8086, 81, remote_host=lab.inet2.address, service=WAN_IP_2)
    assert fetch(lab.inet1, lab.wan_address, 8086) == "for the first"
    assert fetch(lab.inet2, lab.wan_address, 8086) == "for the second"
    igd.delete(8086, remote_host=lab.inet2.address)
    assert is_closed(lab.inet2, lab.wan_address, 8086)
    igd.add(8086, 82, service=WAN_IP_2)
    assert fetch(lab.inet1, lab.wan_address, 8086) == "for the first"
    assert fetch(lab.inet2, lab.wan_address, 8086) == "for anybody"
    igd.delete(8086, remote_host=lab.inet1.address)
    assert fetch(lab.inet1, lab.wan_address, 8086) == "for anybody"
    igd.delete(8086)


def test_a_disabled_mapping_is_listed_and_passes_nothing(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd.add(8082, 80, enabled="0")
    assert igd.get(8082)["NewEnabled"] == "0"
    assert is_closed(lab.inet1, lab.wan_address, 8082)
    igd.add(8082, 80, enabled="1")
    assert fetch(lab.inet1, lab.wan_address, 8082) == "a page"
    igd.delete(8082)


def test_the_same_client_overwrites_its_mapping(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "old"))
    closing(WebServer(lab.pc1, 81, "new"))
    igd.add(8083, 80, lease=100)
    igd.add(8083, 81, lease=200, description="moved")
    assert fetch(lab.inet1, lab.wan_address, 8083) == "new"
    entry = igd.get(8083)
    assert entry["NewPortMappingDescription"] == "moved"
    assert 190 <= int(entry["NewLeaseDuration"]) <= 200
    igd.delete(8083)
    assert is_closed(lab.inet1, lab.wan_address, 8083)


def test_the_mapping_counts_its_traffic(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd.add(8084, 80)
    fetch(lab.inet1, lab.wan_address, 8084)
    mapping = next(m for m in upnpd.mappings() if m["external_port"] == 8084)
    assert mapping["packets"] > 0 and mapping["bytes"] > 0
    igd.delete(8084)


def test_a_mapping_follows_the_wan_address(lab, upnpd, igd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd.add(8085, 80)
    new = lab.wan_address.rpartition(".")[0] + ".77"
    lab.router.ip(f"addr add {new}/24 dev wan\naddr del {lab.wan_address}/24 dev wan\n"
                  f"addr replace {new}/24 brd + dev wan\n")
    try:
        wait_until(lambda: igd.external_address() == new, 2, "the new address is told")
        wait_until(lambda: fetch(lab.inet1, new, 8085) == "a page", 1, "the mapping follows")
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\naddr del {new}/24 dev wan\n"
                      f"addr replace {lab.wan_address}/24 brd + dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    wait_until(lambda: igd.external_address() == lab.wan_address, 2, "the old address is back")
    wait_until(lambda: fetch(lab.inet1, lab.wan_address, 8085) == "a page", 1, "the mapping follows back")
    igd.delete(8085)
    with pytest.raises(SoapFault):
        igd.get(8085)
