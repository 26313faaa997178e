"""What miniupnpd has left behind is taken over: once, and as far as policy permits."""

import os
import time

import pytest

from daemon import Upnpd
from igd_client import find_igd
from ipv6 import add_ipv6
from namespace import wait_until
from traffic import WebServer, fetch, is_closed

PINHOLE = "UDP;2001:db8:77::10;4000;;0;41;{expiry};game\n"


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


def left_behind(lab, name, *lines):
    path = os.path.join(lab.directory, name)
    with open(path, "w") as leases:
        leases.write("".join(line + "\n" for line in lines))
    return path


def ports(upnpd):
    return sorted(m["external_port"] for m in upnpd.mappings())


def test_both_formats_are_imported_once(lab, page):
    until = int(time.time()) + 600
    old = left_behind(lab, "old.leases", f"TCP:8080:{lab.pc1.address}:80:{until}:web: one",
                      f"TCP:8081:{lab.inet1.address}:{lab.pc1.address}:80:0:for one host",
                      f"TCP:80:{lab.pc1.address}:80:0:forbidden", "TCP:8082:nonsense",
                      f"TCP:8083:{lab.pc1.address}:80:{until - 700}:over")
    six = left_behind(lab, "six.leases", PINHOLE.format(expiry=until).strip())
    upnpd = Upnpd(lab, import_lease_file=old, import_lease_file6=six).start()
    try:
        found = {m["external_port"]: m for m in upnpd.mappings()}
        assert sorted(found) == [8080, 8081]
        assert 580 <= found[8080]["expires_in"] <= 600 and found[8080]["description"] == "web: one"
        assert found[8081]["expires_in"] is None and found[8081]["remote_host"] == lab.inet1.address
        pinhole, = upnpd.admin_json("list", "pinholes")["pinholes"]
        assert pinhole["id"] == 41 and 580 <= pinhole["expires_in"] <= 600
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        assert fetch(lab.inet1, lab.wan_address, 8081) == "a page"
        assert is_closed(lab.inet2, lab.wan_address, 8081)
        log = upnpd.log()
        assert "TCP 80 of 192.168.77.10 is not put back: no permission line allows" in log
        assert f"{old}: 2 of 3 leases imported, 1 had ended, 1 lines not understood" in log
        igd = find_igd(lab.pc1)
        igd.delete(8080)
        igd.add(8084, 80)
        for end in (upnpd.stop, upnpd.kill, upnpd.stop):
            end()
            upnpd.start()
            assert ports(upnpd) == [8081, 8084], "what was deleted stays so"
        assert upnpd.log().count("leases imported") == 2, "each file once"
    finally:
        upnpd.discard()


def test_a_file_left_at_lease_file_itself_is_imported_and_kept(lab, page):
    upnpd = Upnpd(lab)
    with open(upnpd.lease_file, "w") as leases:
        leases.write(f"TCP:8080:{lab.pc1.address}:80:0:a:b\n")
    upnpd.start()
    try:
        assert ports(upnpd) == [8080] and upnpd.mappings()[0]["description"] == "a:b"
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        assert "foreign" in upnpd.status()["faults"]["journal"]
        with open(upnpd.lease_file + ".foreign") as kept:
            assert kept.read().startswith("TCP:8080")
        find_igd(lab.pc1).delete(8080)
        upnpd.stop()
        upnpd.start()
        assert upnpd.mappings() == [] and upnpd.status()["faults"]["journal"] == ""
    finally:
        upnpd.discard()


def test_a_file_on_a_read_only_place_is_imported_once_too(lab, page):
    place = os.path.join(lab.directory, "read-only")
    os.makedirs(place, exist_ok=True)
    left_behind(lab, "read-only/upnp.leases", f"TCP:8080:{lab.pc1.address}:80:0:web")
    frozen = [f"mount --bind {place} {place}", f"mount -o remount,ro,bind {place}"]
    upnpd = Upnpd(lab, import_lease_file=f"{place}/upnp.leases")
    upnpd.start(mounts=frozen)
    try:
        assert ports(upnpd) == [8080]
        find_igd(lab.pc1).delete(8080)
        upnpd.stop()
        upnpd.start(mounts=frozen)
        assert upnpd.mappings() == []
    finally:
        upnpd.discard()


def test_a_wall_clock_that_is_not_set_ends_no_imported_lease(lab, page):
    """In 1970 every date is far off; the lease gets an hour, not fifty years."""
    from test_clocks import YEAR, WallClock
    clock = WallClock(lab)
    clock.jump(-(int(time.time()) - 1000))
    old = left_behind(lab, "old.leases", f"TCP:8080:{lab.pc1.address}:80:{int(time.time()) + 60}:web",
                      f"TCP:8081:{lab.pc1.address}:80:{int(time.time()) - 2 * YEAR}:over, but who knows")
    upnpd = Upnpd(lab, import_lease_file=old).start(env=clock.env)
    try:
        assert [3590 <= m["expires_in"] <= 3600 for m in upnpd.mappings()] == [True, True]
    finally:
        upnpd.discard()
