"""Leases run by the time that passes, whatever the wall clock says and however long the router sleeps."""

import os
import pathlib
import struct
import subprocess
import time

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until
from sanitized import SLOWER
from traffic import WebServer, fetch, is_closed

YEAR = 365 * 86400


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab)
    yield upnpd
    upnpd.discard()


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


def remaining(upnpd):
    return {m["external_port"]: m["expires_in"] for m in upnpd.mappings()}


def test_a_lease_that_ended_in_the_routers_sleep_is_closed_at_once(lab, upnpd, page):
    upnpd.start(slept=0)
    igd = find_igd(lab.pc1)
    igd.add(8080, 80, lease=60)
    igd.add(8081, 80, lease=600)
    igd.add(8082, 80)
    upnpd.kill()
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    upnpd.start(slept=200)
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    left = remaining(upnpd)
    assert set(left) == {8081, 8082} and left[8082] is None
    assert 380 <= left[8081] <= 400, "the kernel's own timeout knows nothing of the sleep"
    for port in (8081, 8082):
        assert fetch(lab.inet1, lab.wan_address, port) == "a page"


def test_what_is_left_after_the_sleep_ends_on_time(lab, upnpd, page):
    upnpd.start(slept=0)
    added = time.monotonic()
    left = 4 * SLOWER
    find_igd(lab.pc1).add(8083, 80, lease=100 + left)
    upnpd.kill()
    upnpd.start(slept=100)
    assert fetch(lab.inet1, lab.wan_address, 8083) == "a page"
    wait_until(lambda: is_closed(lab.inet1, lab.wan_address, 8083), left + 2, "the port closes")
    assert left - 0.1 <= time.monotonic() - added <= left + 2
    assert remaining(upnpd) == {}


@pytest.mark.parametrize("up", [0, 30 * YEAR])
def test_the_longest_lease_is_kept_however_long_the_router_has_been_up(lab, upnpd, page, up):
    longest = 2**32 - 1
    upnpd.start(slept=up)
    find_igd(lab.pc1).add(8087, 80, lease=longest)
    for end in (upnpd.stop, upnpd.kill):
        end()
        upnpd.start(slept=up)
        assert longest - 60 <= remaining(upnpd).get(8087, 0) <= longest
        assert fetch(lab.inet1, lab.wan_address, 8087) == "a page"
    assert upnpd.status()["faults"]["journal"] == ""


class WallClock:
    """The wall clock of whatever is started with `env`: jump() puts it so many seconds off."""

    def __init__(self, lab):
        library, self._file = (os.path.join(lab.directory, name) for name in ("wall_clock.so", "wall_clock"))
        source = pathlib.Path(__file__).with_name("wall_clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        with open(self._file, "wb") as offset:
            offset.write(struct.pack("q", 0))
        self.env = {**os.environ, "LD_PRELOAD": library, "WALL_CLOCK_OFFSET": self._file}

    def jump(self, seconds):
        with open(self._file, "r+b") as offset:
            offset.write(struct.pack("q", seconds))


@pytest.fixture
def wall_clock(lab):
    return WallClock(lab)


def test_the_wall_clock_is_the_one_that_jumps(wall_clock):
    def year():
        return int(subprocess.run(["date", "+%Y"], env=wall_clock.env, capture_output=True, check=True).stdout)
    now = year()
    wall_clock.jump(10 * YEAR)
    assert year() >= now + 9


@pytest.mark.parametrize("jump", [-30 * YEAR, 10 * YEAR])
def test_a_jump_of_years_neither_ends_nor_prolongs_a_lease(lab, upnpd, page, wall_clock, jump):
    upnpd.start(env=wall_clock.env)
    igd = find_igd(lab.pc1)
    added = time.monotonic()
    igd.add(8084, 80, lease=4)
    igd.add(8085, 80, lease=600)
    wall_clock.jump(jump)
    assert find_igd(lab.pc1).get(8084)["NewInternalPort"] == "80", "the service goes on too"
    assert fetch(lab.inet1, lab.wan_address, 8084) == "a page"
    wait_until(lambda: 8084 not in remaining(upnpd), 6, "the lease ends")
    assert 3.9 <= time.monotonic() - added <= 6
    assert is_closed(lab.inet1, lab.wan_address, 8084)
    left = remaining(upnpd)[8085]
    assert 600 - (time.monotonic() - added) - 2 <= left <= 600 - 3


def test_a_start_by_a_wall_clock_of_another_year_changes_no_lease(lab, upnpd, page, wall_clock):
    upnpd.start(env=wall_clock.env)
    find_igd(lab.pc1).add(8086, 80, lease=600)
    assert upnpd.stop() == 0
    wall_clock.jump(-40 * YEAR)
    upnpd.start(env=wall_clock.env)
    assert 580 <= remaining(upnpd)[8086] <= 600
    assert fetch(lab.inet1, lab.wan_address, 8086) == "a page"
