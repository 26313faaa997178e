"""A lease ends in the kernel and in the table at the same second, whether upnpd runs or not."""

import signal
import time

import pytest

from igd_client import WAN_IP_2, SoapFault, find_igd
from namespace import wait_until
from traffic import UdpEcho, WebServer, fetch, is_closed, udp_passes

WEEK = 604800


@pytest.fixture
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


def ends(lab, port, within):
    """When the port was first found closed."""
    wait_until(lambda: is_closed(lab.inet1, lab.wan_address, port), within, f"port {port} closes")
    return time.monotonic()


def test_the_port_closes_and_the_entry_goes_at_the_leases_end(lab, upnpd, igd, page):
    start = time.monotonic()
    igd.add(8080, 80, lease=2)
    assert int(igd.get(8080)["NewLeaseDuration"]) in (1, 2)
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    closed = ends(lab, 8080, within=4)
    assert 1.9 <= closed - start <= 3
    wait_until(lambda: not upnpd.mappings(), 1, "the table has forgotten it too")
    with pytest.raises(SoapFault) as refused:
        igd.get(8080)
    assert refused.value.code == 714


def test_udp_stops_at_the_leases_end(lab, upnpd, igd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    igd.add(6000, 5000, protocol="UDP", lease=2)
    assert udp_passes(lab.inet1, lab.wan_address, 6000)
    wait_until(lambda: not udp_passes(lab.inet1, lab.wan_address, 6000, 0.1), 3, "UDP stops")


def test_a_flow_ends_with_the_lease(lab, upnpd, igd, closing):
    echo = closing(UdpEcho(lab.pc1, 5001))
    igd.add(6001, 5001, protocol="UDP", lease=2)
    with lab.inet1.udp(timeout=0.1) as flow:
        def is_cut():
            flow.sendto(b"1", (lab.wan_address, 6001))
            try:
                return not flow.recv(16)
            except OSError:
                return True
        assert not is_cut()
        wait_until(is_cut, 4, "the flow, busy all the while, ends")
        seen = len(echo.senders)
        assert is_cut() and len(echo.senders) == seen


def test_renewal_carries_the_mapping_on(lab, upnpd, igd, page):
    igd.add(8081, 80, lease=2)
    time.sleep(1)
    igd.add(8081, 80, lease=4)
    assert int(igd.get(8081)["NewLeaseDuration"]) in (3, 4)
    time.sleep(1.6)
    assert fetch(lab.inet1, lab.wan_address, 8081) == "a page", "past the first lease's end"
    ends(lab, 8081, within=4)


def test_the_port_closes_while_upnpd_is_stopped(lab, upnpd, igd, page):
    igd.add(8082, 80, lease=2)
    assert fetch(lab.inet1, lab.wan_address, 8082) == "a page"
    upnpd.signal_all(signal.SIGSTOP)
    try:
        assert fetch(lab.inet1, lab.wan_address, 8082) == "a page"
        ends(lab, 8082, within=4)
    finally:
        upnpd.signal_all(signal.SIGCONT)
    wait_until(lambda: not upnpd.mappings(), 2, "upnpd notices afterwards")


def test_v1_lease_0_is_permanent_and_v2_lease_0_is_a_week(lab, upnpd, igd):
    igd.add(8083, 80, lease=0)
    assert igd.get(8083)["NewLeaseDuration"] == "0"
    assert upnpd.mappings()[0]["expires_in"] is None
    igd.delete(8083)
    igd.add(8083, 80, lease=0, service=WAN_IP_2)
    assert WEEK - 5 <= int(igd.get(8083, service=WAN_IP_2)["NewLeaseDuration"]) <= WEEK
    igd.add(8083, 80, lease=WEEK * 2, service=WAN_IP_2)
    assert int(igd.get(8083, service=WAN_IP_2)["NewLeaseDuration"]) <= WEEK
    igd.delete(8083)


def test_the_remaining_time_is_told_alike_by_upnp_and_admin(lab, upnpd, igd):
    igd.add(8084, 80, lease=1000)
    time.sleep(1.2)
    assert 990 <= int(igd.get(8084)["NewLeaseDuration"]) <= 999
    assert 990 <= upnpd.mappings()[0]["expires_in"] <= 999
    generic = igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0})
    assert 990 <= int(generic["NewLeaseDuration"]) <= 999
    igd.delete(8084)
