"""WANCommonInterfaceConfig tells the WAN link as it is now: its state, its speed, its totals."""

import fcntl
import struct

import pytest

from daemon import Upnpd
from gena import Subscriber
from igd_client import WAN_COMMON, find_igd
from namespace import wait_until

LARGEST_UI4 = 2**32 - 1


@pytest.fixture(scope="module")
def lab(make_lab):
    """Beside the usual WAN, of 10 Gbit/s as every veth is, one of 300 Mbit/s."""
    lab = make_lab()
    result = lab.router.run("sh", "-c", "ip tuntap add dsl mode tap && ethtool -s dsl speed 300 duplex full")
    if result.returncode != 0:
        pytest.skip("the lab needs tap devices and ethtool: " + result.stdout)
    lab.router.ip("addr add 198.51.100.7/24 dev dsl\nlink set dsl up\n")
    return lab


@pytest.fixture
def serving(lab):
    """serving(key=value...) starts upnpd and returns the gateway as pc1 sees it."""
    started = []

    def start(**keys):
        started.append(Upnpd(lab, **keys).start())
        return find_igd(lab.pc1)
    yield start
    for upnpd in started:
        upnpd.discard()


def link(igd):
    answer = igd.call("GetCommonLinkProperties", service=WAN_COMMON)
    return {name.removeprefix("New").removeprefix("Layer1").removesuffix("MaxBitRate"): value
            for name, value in answer.items()}


def rates(igd):
    return int(link(igd)["Upstream"]), int(link(igd)["Downstream"])


def plug_in(name):
    """Opens a tap device of the namespace the caller is in, as the program that carries its packets."""
    tunsetiff, iff_tap_no_pi = 0x400454CA, 0x1002
    device = open("/dev/net/tun", "r+b", buffering=0)
    fcntl.ioctl(device, tunsetiff, struct.pack("16sH22x", name.encode(), iff_tap_no_pi))
    return device


def test_the_bit_rates_are_the_links(lab, serving):
    # Nobody holds the other end: a tap without a program is no running link.
    igd = serving(ext_ifname="dsl")
    assert link(igd)["PhysicalLinkStatus"] == "Down" and rates(igd) == (0, 0)
    with lab.router.entered():
        program = plug_in("dsl")
    try:
        wait_until(lambda: link(igd)["PhysicalLinkStatus"] == "Up", 2, "the link is up")
        assert rates(igd) == (300_000_000, 300_000_000)
        program.close()
        wait_until(lambda: link(igd)["PhysicalLinkStatus"] == "Down", 2, "the link is down")
        assert rates(igd) == (0, 0)
        lab.router.run("ethtool", "-s", "dsl", "speed", "1000", "duplex", "full", check=True)
        with lab.router.entered():
            program = plug_in("dsl")
        wait_until(lambda: rates(igd) == (1_000_000_000, 1_000_000_000), 2, "the new speed is told")
    finally:
        program.close()


def test_a_rate_that_no_ui4_holds_is_the_largest_one(serving):
    assert rates(serving()) == (LARGEST_UI4, LARGEST_UI4)


@pytest.mark.parametrize("keys, told", [
    ({"bitrate_up": 1_000_000, "bitrate_down": 16_000_000}, (1_000_000, 16_000_000)),
    ({"bitrate_down": 16_000_000}, (LARGEST_UI4, 16_000_000)),
], ids=str)
def test_the_configured_bit_rates_win(serving, keys, told):
    assert rates(serving(**keys)) == told


def test_the_links_state_is_evented(lab, serving, closing):
    """The kernel itself takes up to a second to tell of it."""
    igd = serving()
    subscriber = closing(Subscriber(igd, WAN_COMMON))
    assert subscriber.next() == (0, {"PhysicalLinkStatus": "Up"})
    for state, told in (("down", "Down"), ("up", "Up")):
        lab.wires.ip(f"link set router.wan {state}\n")
        assert subscriber.next(seconds=2)[1] == {"PhysicalLinkStatus": told}
        assert link(igd)["PhysicalLinkStatus"] == told
