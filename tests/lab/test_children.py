"""A child that dies is back within a second; no mapping notices."""

import os
import signal
import time

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until
from traffic import Stream, UdpEcho

BACK_WITHIN = 1.0


@pytest.fixture
def upnpd(lab):
    """A fresh one for each test: the pause before a restart grows with each death."""
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


def listed(upnpd):
    return [mapping | {"packets": 0, "bytes": 0, "expires_in": None} for mapping in upnpd.mappings()]


@pytest.mark.parametrize("role", ["igd", "announcer"])
def test_a_killed_child_is_back_within_a_second(lab, upnpd, closing, role):
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", description="stays")
    mappings = listed(upnpd)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        killed = time.monotonic()
        old = upnpd.kill_child(role)
        igd = wait_until(lambda: find_igd(lab.pc1, timeout=0.1), BACK_WITHIN, "discovery and description")
        assert igd.get(6000, protocol="UDP")["NewPortMappingDescription"] == "stays"
        assert upnpd.process(role)["pid"] not in (0, old["pid"])
        assert time.monotonic() - killed < BACK_WITHIN
    finally:
        stream.close()
    assert upnpd.process(role)["restarts"] == old["restarts"] + 1
    assert listed(upnpd) == mappings
    assert stream.lost == []


def test_one_child_is_of_no_concern_to_the_other(lab, upnpd):
    igd, announcer = upnpd.kill_child("igd"), upnpd.process("announcer")
    wait_until(lambda: upnpd.process("igd")["pid"] not in (0, igd["pid"]), 1, "new igd service")
    assert upnpd.process("announcer")["pid"] == announcer["pid"]


def test_a_child_that_is_killed_again_and_again_comes_back(lab, upnpd):
    for _ in range(4):
        upnpd.kill_child("igd")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 5, "upnpd serves again")


@pytest.mark.parametrize("role", ["igd", "announcer"])
def test_a_stopped_child_is_replaced(lab, upnpd, role):
    old = upnpd.process(role)["pid"]
    os.kill(old, signal.SIGSTOP)
    wait_until(lambda: upnpd.process(role)["pid"] not in (0, old), 2, "another process")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 2, "upnpd serves again")
    wait_until(lambda: not os.path.exists(f"/proc/{old}"), 1, "the end of the stopped process")
