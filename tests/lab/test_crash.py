"""kill -9, clean stop, start: what stays open, what closes, what is remembered."""

import contextlib
import time

import pytest

from daemon import Upnpd
from igd_client import WAN_IP_2, find_igd
from namespace import is_alive, wait_until
from traffic import Stream, UdpEcho, WebServer, fetch, is_closed, is_echoed

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


class Flow:
    """One UDP flow from the internet to an echo behind `port` of the router."""

    def __init__(self, lab, port):
        self._socket = lab.inet1.udp(timeout=0.3)
        self._to = (lab.wan_address, port)
        assert self.is_answered()

    def is_answered(self):
        try:
            self._socket.sendto(b"1", self._to)
            return self._socket.recv(16) == b"1"
        except OSError:
            return False

    def close(self):
        self._socket.close()


ENDS = {"killed": Upnpd.kill, "stopped": Upnpd.stop}


@pytest.mark.parametrize("end", ENDS)
def test_what_is_forbidden_since_goes_with_its_flows_at_the_start(lab, upnpd, closing, end):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", lease=600)
    igd.add(6001, 5000, protocol="UDP", lease=600)
    forbidden, kept = closing(Flow(lab, 6000)), closing(Flow(lab, 6001))
    ENDS[end](upnpd)
    with open(upnpd.config) as config:
        lines = config.read().splitlines()
    upnpd.configure(["deny 6000 0.0.0.0/0 0-65535", *lines])
    upnpd.start()
    assert only_mapping(upnpd)["external_port"] == 6001
    wait_until(lambda: not forbidden.is_answered(), 2, "the flow, busy all the while, ends")
    assert kept.is_answered() and not forbidden.is_answered()


@pytest.mark.parametrize("end", ENDS)
def test_the_flows_of_a_lease_that_ended_meanwhile_end_at_the_start(lab, upnpd, closing, end):
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=2)
    flow = closing(Flow(lab, 6000))
    ENDS[end](upnpd)
    time.sleep(2.5)
    assert flow.is_answered()
    upnpd.start()
    assert upnpd.mappings() == []
    wait_until(lambda: not flow.is_answered(), 2, "the flow, busy all the while, ends")


def test_the_flows_of_what_was_deleted_just_before_the_fall_end_at_the_start(lab, upnpd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    for port in (6000, 6001, 6002):
        igd.add(port, 5000, protocol="UDP", lease=600)
    flows = {port: closing(Flow(lab, port)) for port in (6000, 6001, 6002)}
    igd.delete(6000, protocol="UDP")
    upnpd.kill()
    upnpd.start()
    assert sorted(m["external_port"] for m in upnpd.mappings()) == [6001, 6002]
    wait_until(lambda: not flows[6000].is_answered(), 2, "the flow, busy all the while, ends")
    assert flows[6001].is_answered() and flows[6002].is_answered()


def test_a_clean_stop_ends_the_flows_of_what_was_deleted_just_before(lab, upnpd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", lease=600)
    igd.add(6001, 5000, protocol="UDP", lease=600)
    deleted, kept = closing(Flow(lab, 6000)), closing(Flow(lab, 6001))
    igd.delete(6000, protocol="UDP")
    upnpd.stop()
    assert not deleted.is_answered() and kept.is_answered()


def test_a_peer_that_sends_while_upnpd_is_stopped_gets_in_after_the_start(lab, upnpd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600)
    upnpd.stop()
    to = (lab.wan_address, 6000)
    with lab.inet1.udp(timeout=0.1) as peer:
        assert not is_echoed(peer, to)
        upnpd.start()
        wait_until(lambda: is_echoed(peer, to), 2, "the peer, which goes on sending, gets in")


def test_where_end_flows_is_no_a_start_ends_none(lab, closing):
    closing(UdpEcho(lab.pc1, 5000))
    upnpd = Upnpd(lab, end_flows="no").start()
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=2)
    flow = closing(Flow(lab, 6000))
    upnpd.kill()
    time.sleep(2.5)
    upnpd.start()
    assert upnpd.mappings() == []
    time.sleep(0.5)
    assert flow.is_answered()
    upnpd.discard()


def test_a_port_that_was_mapped_again_keeps_its_flows_through_a_fall(lab, upnpd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", lease=600)
    igd.delete(6000, protocol="UDP")
    igd.add(6000, 5000, protocol="UDP", lease=600)
    igd.add(6001, 5000, protocol="UDP", lease=600)
    igd.add(6001, 5000, protocol="UDP", lease=600, remote_host=lab.inet1.address, service=WAN_IP_2)
    igd.delete(6001, protocol="UDP")
    time.sleep(0.3)  # what was deleted has lost its flows
    with contextlib.ExitStack() as streams:
        running = [Stream(lab.inet1, lab.wan_address, port) for port in (6000, 6001)]
        for stream in running:
            streams.callback(stream.close)
        upnpd.kill()
        upnpd.start()
        time.sleep(0.5)
    for stream in running:
        assert stream.lost == [] and stream.sent > 20
