"""The journal's file system at its worst: upnpd starts and serves, and says what is wrong."""

import os

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until
from traffic import WebServer, fetch, is_closed

PLACE = "/var/lib/upnpd"
FILE = f"{PLACE}/leases"


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab, lease_file=FILE)
    yield upnpd
    upnpd.discard()


def read(upnpd, path):
    """A file as upnpd sees it."""
    with open(f"/proc/{upnpd.pid}/root{path}") as file:
        return file.read()


def serves(lab, upnpd, port=8080):
    find_igd(lab.pc1).add(port, 80, lease=600)
    assert fetch(lab.inet1, lab.wan_address, port) == "a page"
    assert port in [m["external_port"] for m in upnpd.mappings()]


def fault(upnpd):
    said = upnpd.status()["faults"]["journal"]
    assert not said or said in upnpd.log(), "what the status says, the log says"
    assert not said or said in upnpd.admin("status").stdout
    return said


def test_a_full_disk_is_told_and_made_good_when_there_is_room(lab, upnpd, page):
    upnpd.start(mounts=[f"mkdir -p {PLACE}", f"mount -t tmpfs -o size=64k none {PLACE}"])
    assert fault(upnpd) == ""
    there = f"/proc/{upnpd.pid}/root{PLACE}"
    with open(f"{there}/ballast", "wb", buffering=0) as ballast:
        with pytest.raises(OSError):
            while True:
                ballast.write(b"x" * 4096)
    igd = find_igd(lab.pc1)
    port = 9000
    while not upnpd.status()["faults"]["journal"]:
        igd.add(port, 80, lease=600, description="d" * 1000)
        port += 1
        assert port < 9200, "the disk is never full"
    assert "No space left" in fault(upnpd)
    serves(lab, upnpd)
    os.unlink(f"{there}/ballast")

    def is_well():
        igd.add(port, 80, lease=600)
        return not upnpd.status()["faults"]["journal"]
    wait_until(is_well, 4, "the journal is whole again")
    journal = read(upnpd, FILE)
    assert all(f'"external_port":{p},' in journal for p in [8080, *range(9000, port + 1)])


def test_a_file_system_full_from_the_start(lab, upnpd, page):
    upnpd.start(mounts=[f"mkdir -p {PLACE}", f"mount -t tmpfs -o size=64k none {PLACE}",
                        f"{{ dd if=/dev/zero of={PLACE}/ballast bs=4k 2>/dev/null || true; }}"])
    assert "No space left" in fault(upnpd)
    assert "No space left" in upnpd.status()["faults"]["identity"]
    serves(lab, upnpd)


def test_a_read_only_file_system(lab, upnpd, page):
    upnpd.start(mounts=[f"mkdir -p {PLACE}", f"mount -t tmpfs none {PLACE}", f"mount -o remount,ro {PLACE}"])
    assert "Read-only file system" in fault(upnpd)
    serves(lab, upnpd)
    upnpd.kill()
    upnpd.start(mounts=[f"mkdir -p {PLACE}", f"mount -t tmpfs none {PLACE}", f"mount -o remount,ro {PLACE}"])
    assert [m["external_port"] for m in upnpd.mappings()] == [8080], "the kernel remembers"


def test_leases_on_a_file_system_that_has_become_read_only_still_come_back(lab, page):
    place = os.path.join(lab.directory, "place")
    os.makedirs(place)
    upnpd = Upnpd(lab, lease_file=f"{place}/leases").start()
    try:
        serves(lab, upnpd)
        upnpd.stop()
        upnpd.start(mounts=[f"mount --bind {place} {place}", f"mount -o remount,ro,bind {place}"])
        assert "Read-only file system" in fault(upnpd)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        serves(lab, upnpd, 8081)
    finally:
        upnpd.discard()


def test_a_directory_that_is_missing_and_cannot_be_made(lab, upnpd, page):
    upnpd.start(mounts=["mount -o remount,ro /var/lib"])
    assert fault(upnpd)
    about_it = [line for line in upnpd.log().splitlines() if PLACE in line]
    assert len(about_it) == 3 and all("lease_file may name another place" in line for line in about_it), upnpd.log()
    serves(lab, upnpd)


def test_without_a_place_for_its_sockets_it_ends_and_says_what_it_needs(lab, upnpd):
    upnpd.start(ready_on=None, mounts=["rm -rf /run/upnpd", "mount -o remount,ro /run"])
    wait_until(lambda: not upnpd.is_running(), 3, "the end of it")
    assert "cannot make directory /run/upnpd: Read-only file system; upnpd needs it, on a file system that can be " \
        "written" in upnpd.log()


def test_a_journal_that_cannot_be_read_is_kept_aside(lab, page):
    upnpd = Upnpd(lab).start()
    try:
        serves(lab, upnpd)
        upnpd.stop()
        os.chown(upnpd.lease_file, 65534, -1)
        os.chmod(upnpd.lease_file, 0)
        upnpd.start()
        assert "Permission denied" in fault(upnpd) and "foreign" in fault(upnpd)
        assert os.path.exists(upnpd.lease_file + ".foreign")
        serves(lab, upnpd, 8081)
        upnpd.stop()
        upnpd.start()
        assert fault(upnpd) == "" and [m["external_port"] for m in upnpd.mappings()] == [8081]
    finally:
        upnpd.discard()


@pytest.mark.parametrize("garbage", [b"", b"\n", b"\0" * 5000, b"[" * 100000, os.urandom(20000), b'{"put":1}\n' * 50],
                         ids=["nothing", "newline", "zeros", "brackets", "random", "half-lines"])
def test_garbage_in_place_of_the_journal(lab, page, garbage):
    upnpd = Upnpd(lab)
    with open(upnpd.lease_file, "wb") as leases:
        leases.write(garbage)
    upnpd.start()
    try:
        assert bool(fault(upnpd)) == bool(garbage)
        serves(lab, upnpd)
        upnpd.stop()
        assert is_closed(lab.inet1, lab.wan_address, 8080)
        upnpd.start()
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page" and fault(upnpd) == ""
    finally:
        upnpd.discard()


def test_after_a_reboot_leases_have_what_they_had_left(lab, upnpd, page):
    """The kernel's table is gone, the boot is another, CLOCK_BOOTTIME has begun anew."""
    upnpd = Upnpd(lab).start()
    try:
        igd = find_igd(lab.pc1)
        igd.add(8080, 80, lease=600)
        igd.add(8081, 80)
        igd.add(8082, 80, lease=600, remote_host=lab.inet1.address)
        upnpd.kill()
        lab.router.run("nft", "delete", "table", "inet", "upnpd", check=True)
        boot = os.path.join(lab.directory, "boot_id")
        with open(boot, "w") as boot_id:
            boot_id.write("11111111-2222-3333-4444-555555555555\n")
        with open("/proc/uptime") as uptime:
            begun = -int(float(uptime.read().split()[0])) + 20
        upnpd.start(slept=begun, mounts=[f"mount --bind {boot} /proc/sys/kernel/random/boot_id"])
        left = {m["external_port"]: m["expires_in"] for m in upnpd.mappings()}
        assert set(left) == {8080, 8081, 8082} and left[8081] is None
        assert 590 <= left[8080] <= 600 and 590 <= left[8082] <= 600
        assert fetch(lab.inet1, lab.wan_address, 8082) == "a page"
        assert is_closed(lab.inet2, lab.wan_address, 8082)
    finally:
        upnpd.discard()


def test_the_status_names_what_is_wrong_with_a_lan(lab):
    upnpd = Upnpd(lab, listening_ip=["lan", "nowhere"]).start()
    try:
        faults = upnpd.status()["faults"]
        assert "waiting for interface nowhere" in faults["LAN nowhere"]
        assert {part for part, said in faults.items() if said} == {"LAN nowhere"}
        assert any("fault" in line and "nowhere" in line for line in upnpd.admin("status").stdout.splitlines())
        upnpd.kill_child("igd")
        upnpd.kill_child("igd")
        said = wait_until(lambda: upnpd.status()["faults"]["igd"], 1, "the child's fault")
        assert said.startswith("starting again in") and said.endswith("killed by signal 9")
        wait_until(lambda: not upnpd.status()["faults"]["igd"], 3, "the end of it")
    finally:
        upnpd.discard()
