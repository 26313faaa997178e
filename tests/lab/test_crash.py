"""kill -9, clean stop, start: what stays open, what closes, what is remembered."""

import time

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import is_alive, wait_until
from traffic import Stream, UdpEcho, WebServer, fetch, is_closed

# Longer than the 256 bytes an element of the kernel can keep, and not only ASCII.
DESCRIPTION = "Spiel & Spaß <3 : " + "ä" * 300


@pytest.fixture
def upnpd(lab):
    """A fresh one for each test: no lease file, no table."""
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


def only_mapping(upnpd):
    mappings = upnpd.mappings()
    assert len(mappings) == 1, mappings
    return mappings[0]


def test_a_mapping_outlives_kill_9_and_never_stops_passing_traffic(lab, upnpd, closing):
    echo = UdpEcho(lab.pc1, 5000)
    closing(echo)
    started = time.monotonic()
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600, description=DESCRIPTION)
    before = only_mapping(upnpd)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        upnpd.kill()
        time.sleep(0.5)
        upnpd.start()
        after = only_mapping(upnpd)
        remaining = 600 - (time.monotonic() - started)
        time.sleep(0.2)
    finally:
        stream.close()
    assert stream.lost == [] and stream.sent > 20
    assert after["description"] == DESCRIPTION
    assert abs(after["expires_in"] - remaining) <= 2
    for field in ("id", "protocol", "external_port", "remote_host", "client", "internal_port", "enabled"):
        assert after[field] == before[field], field
    entry = find_igd(lab.pc1).get(6000, protocol="UDP")
    assert entry["NewPortMappingDescription"] == DESCRIPTION


def test_a_lease_that_ended_while_upnpd_was_dead_is_gone_at_the_start(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd = find_igd(lab.pc1)
    igd.add(8080, 80, lease=2)
    igd.add(8081, 80)
    upnpd.kill()
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    wait_until(lambda: is_closed(lab.inet1, lab.wan_address, 8080), 4, "the kernel closes the port")
    upnpd.start()
    assert only_mapping(upnpd)["external_port"] == 8081
    assert only_mapping(upnpd)["expires_in"] is None


def test_no_child_outlives_the_gateway(lab, upnpd):
    children = upnpd.kill()
    assert len(children) >= 2
    wait_until(lambda: not any(map(is_alive, children)), 2, f"children {children} end")


def test_the_killed_gateways_mappings_can_be_deleted_after_the_start(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    find_igd(lab.pc1).add(8082, 80, lease=600)
    upnpd.kill()
    upnpd.start()
    find_igd(lab.pc1).delete(8082)
    assert is_closed(lab.inet1, lab.wan_address, 8082)


def test_a_clean_stop_closes_the_ports_and_the_next_start_opens_them(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    find_igd(lab.pc1).add(8083, 80, lease=600, description="kept")
    assert fetch(lab.inet1, lab.wan_address, 8083) == "a page"
    assert upnpd.stop() == 0
    assert is_closed(lab.inet1, lab.wan_address, 8083)
    upnpd.start()
    assert fetch(lab.inet1, lab.wan_address, 8083) == "a page"
    mapping = only_mapping(upnpd)
    assert mapping["description"] == "kept" and 590 <= mapping["expires_in"] <= 600


def test_a_clean_stop_cuts_no_established_connection(lab, upnpd):
    find_igd(lab.pc1).add(8084, 4444)
    with lab.pc1.listen(4444) as listener:
        listener.settimeout(2)
        with lab.inet1.connect(lab.wan_address, 8084) as internet, listener.accept()[0] as pc:
            pc.settimeout(2)
            upnpd.stop()
            internet.sendall(b"still here?")
            assert pc.recv(64) == b"still here?"
            pc.sendall(b"yes")
            assert internet.recv(64) == b"yes"


def test_the_kernel_alone_is_enough_when_the_lease_file_is_lost(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    find_igd(lab.pc1).add(8085, 80, lease=600, description="from the kernel")
    upnpd.kill()
    with open(upnpd.lease_file, "w"):
        pass
    upnpd.start()
    mapping = only_mapping(upnpd)
    assert mapping["description"] == "from the kernel" and mapping["client"] == lab.pc1.address
    assert 590 <= mapping["expires_in"] <= 600
    assert fetch(lab.inet1, lab.wan_address, 8085) == "a page"


def test_a_broken_lease_file_is_no_reason_not_to_start(lab, upnpd):
    find_igd(lab.pc1).add(8086, 80, lease=600)
    upnpd.kill()
    with open(upnpd.lease_file, "ab") as leases:
        leases.write(b'{"half a line\n\0\xff\xfe[[[[\n')
    upnpd.start()
    assert only_mapping(upnpd)["external_port"] == 8086
