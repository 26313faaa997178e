"""fw4 with `flow_offloading`: established flows of mappings and pinholes pass by every chain, and end with them all the same."""

import contextlib
import re
import socket

import pytest

import fw4
from daemon import Upnpd
from igd_client import FIREWALL, IGD2, find_igd
from namespace import wait_until
from sanitized import SLOWER
from traffic import is_closed


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = fw4.alone(make_lab)
    asked = lab.router.run("nft", "-f", "-", input=f"table inet fw4 {{\n{fw4.FLOWTABLE}\n}}\n")
    if "No such file" in asked.stdout or "not supported" in asked.stdout:
        pytest.skip("this kernel has no flowtables")
    assert asked.returncode == 0, asked.stdout
    lab.nft(fw4.ruleset(offload=True))
    # What is forwarded packet by packet.
    lab.nft("table inet seen { chain forward { type filter hook forward priority -300; counter; }; }")
    return lab


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab).start()


class Flow:
    """A flow from the internet to `port` of pc1, by whatever leads there. Both ends are connected sockets."""

    def __init__(self, lab, kind, to, port, family=socket.AF_INET):
        self._lab = lab
        with contextlib.ExitStack() as opened:
            here = opened.enter_context(lab.pc1.socket(family, kind))
            here.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            here.bind(("", port))
            self.internet = opened.enter_context(lab.inet1.socket(family, kind))
            self.internet.settimeout(5)
            if kind == socket.SOCK_STREAM:
                here.listen()
                self.internet.connect(to)
                self.pc = opened.enter_context(here.accept()[0])
            else:
                self.internet.connect(to)
                self.internet.send(b"the first")
                here.connect(here.recvfrom(64)[1])
                self.pc = here
            self.pc.settimeout(5)
            self._opened = opened.pop_all()

    def exchange(self, rounds=50, size=1200):
        """There and back, each byte looked at; returns how many packets the router's chains saw."""
        before = self._seen()
        for number in range(rounds):
            for sender, receiver in ((self.internet, self.pc), (self.pc, self.internet)):
                said = bytes([number % 256]) * size
                sender.sendall(said)
                heard = b""
                while len(heard) < size:
                    heard += receiver.recv(65536)
                assert heard == said
        return self._seen() - before

    def is_offloaded(self):
        return self.exchange() == 0

    def comes_in(self, seconds=0.3):
        return _passes(self.internet, self.pc, seconds)

    def passes(self, seconds=0.3):
        """Whether anything gets through in either direction."""
        return self.comes_in(seconds) or _passes(self.pc, self.internet, seconds)

    def _seen(self):
        counter = self._lab.router.run("nft", "list", "table", "inet", "seen").stdout
        return int(re.search(r"counter packets (\d+)", counter).group(1))

    def close(self):
        self._opened.close()


def _passes(sender, receiver, seconds):
    receiver.settimeout(seconds)
    try:
        sender.send(b"still here?")
        return receiver.recv(64) != b""
    except OSError:
        return False


KINDS = pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["TCP", "UDP"])


def mapped(lab, closing, kind, **more):
    """A flow by a mapping, offloaded; and the IGD."""
    igd = find_igd(lab.pc1)
    igd.add(8080, 4000, "TCP" if kind == socket.SOCK_STREAM else "UDP", **more)
    flow = closing(Flow(lab, kind, (lab.wan_address, 8080), 4000))
    wait_until(flow.is_offloaded, 10, "the flow is offloaded")
    return flow, igd


@KINDS
def test_a_mappings_flow_is_offloaded_and_goes_until_the_mapping_is_deleted(lab, upnpd, closing, kind):
    flow, igd = mapped(lab, closing, kind)
    flow.exchange(200)
    wait_until(flow.is_offloaded, 10, "the flow is offloaded still")
    igd.delete(8080, "TCP" if kind == socket.SOCK_STREAM else "UDP")
    wait_until(lambda: not flow.passes(), 2, "the flow ends")
    assert not flow.passes(1)


@KINDS
def test_an_offloaded_flow_ends_with_the_lease(lab, upnpd, closing, kind):
    flow, _ = mapped(lab, closing, kind, lease=10 * SLOWER)
    wait_until(lambda: not upnpd.mappings(), 15, "the lease ends")
    wait_until(lambda: not flow.passes(), 2, "the flow ends")


@KINDS
def test_an_offloaded_flow_ends_with_its_pinhole(lab, upnpd, closing, kind):
    igd = find_igd(lab.pc1, IGD2)
    opened = igd.call("AddPinhole", {
        "RemoteHost": "", "RemotePort": 0, "InternalClient": lab.pc1.address6, "InternalPort": 4000,
        "Protocol": 6 if kind == socket.SOCK_STREAM else 17, "LeaseTime": 600}, FIREWALL)
    flow = closing(Flow(lab, kind, (lab.pc1.address6, 4000), 4000, socket.AF_INET6))
    wait_until(flow.is_offloaded, 10, "the flow is offloaded")
    # What the host in the home sends first would begin a flow of its own; so would its ACK of what still came in.
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_loose=0")
    igd.call("DeletePinhole", {"UniqueID": opened["UniqueID"]}, FIREWALL)
    wait_until(lambda: not flow.comes_in(), 2, "the flow ends")


def test_a_reload_of_fw4_and_the_end_of_offloading_cost_no_connection(lab, upnpd, closing):
    flow, igd = mapped(lab, closing, socket.SOCK_STREAM)
    for offload, before in ((True, True), (False, True), (True, False)):
        lab.nft(fw4.ruleset(offload=offload, before=before))
        seen = flow.exchange()
        assert offload or seen > 0
    wait_until(flow.is_offloaded, 10, "the flow is offloaded again")
    igd.delete(8080)
    wait_until(lambda: not flow.passes(), 2, "the flow ends")
    assert is_closed(lab.inet1, lab.wan_address, 8080)


def test_a_clean_stop_and_start_cost_no_offloaded_connection(lab, upnpd, closing):
    flow, _ = mapped(lab, closing, socket.SOCK_STREAM)
    assert upnpd.stop() == 0
    try:
        flow.exchange()
    finally:
        upnpd.start()
    # A flow that nothing used for a while passes the chains again, once.
    wait_until(flow.is_offloaded, 10, "the flow is offloaded again")
    find_igd(lab.pc1).delete(8080)
    wait_until(lambda: not flow.passes(), 2, "the flow ends")


def test_without_end_flows_an_offloaded_flow_outlives_its_mapping(lab, upnpd, closing):
    flow, igd = mapped(lab, closing, socket.SOCK_STREAM)
    with open(upnpd.config, "a") as config:
        config.write("end_flows=no\n")
    assert upnpd.admin("reload").returncode == 0
    igd.delete(8080)
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    flow.exchange()
    wait_until(flow.is_offloaded, 10, "the flow is offloaded still")
