"""A changed configuration taken over while everything runs, by upnpd-admin reload and by SIGHUP."""

import os
import re
import signal
import time

import pytest

from daemon import Upnpd
from igd_client import SoapFault, find_igd, ssdp_answers
from namespace import wait_until
from traffic import Capture, Stream, UdpEcho, WebServer, fetch, is_closed

NO_8080 = "deny 8080 0.0.0.0/0 0-65535"


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


def edit(upnpd, *lines, without=()):
    """Puts `lines` before all others, in the place of those that begin with one of `without`."""
    with open(upnpd.config) as config:
        kept = [line for line in config.read().splitlines() if line and not line.startswith(tuple(without))]
    upnpd.configure([*lines, *kept])


def reload(upnpd):
    result = upnpd.admin("reload")
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_what_is_forbidden_now_goes_with_its_flows_and_nothing_else_is_touched(lab, upnpd, page, closing):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", lease=600, remote_host=lab.inet1.address)
    igd.add(8081, 80)
    igd.add(8080, 80, lease=600)
    before = {m["external_port"]: m["id"] for m in upnpd.mappings()}
    pids = upnpd.pids()
    edit(upnpd, NO_8080)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        with lab.inet1.connect(lab.wan_address, 8080) as connection:
            reload(upnpd)
            assert is_closed(lab.inet1, lab.wan_address, 8080)
            connection.settimeout(0.5)
            time.sleep(0.2)
            with pytest.raises(OSError):
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert not connection.recv(64), "the flow goes on"
                raise ConnectionError
        time.sleep(0.2)
    finally:
        stream.close()
    assert stream.lost == [] and stream.sent > 10
    after = {m["external_port"]: m for m in upnpd.mappings()}
    assert {port: m["id"] for port, m in after.items()} == {port: before[port] for port in (6000, 8081)}
    assert 590 <= after[6000]["expires_in"] <= 600 and after[6000]["remote_host"] == lab.inet1.address
    assert fetch(lab.inet1, lab.wan_address, 8081) == "a page"
    assert upnpd.pids() == pids, "no process was started again"
    assert re.search(rf"mapping {before[8080]} deleted: .*8080.*: denied by .*:1\b", upnpd.log()), upnpd.log()
    with pytest.raises(SoapFault) as refused:
        igd.add(8080, 80)
    assert refused.value.code == 606


def test_sighup_does_the_same(lab, upnpd, page):
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80)
    edit(upnpd, NO_8080)
    os.kill(upnpd.pid, signal.SIGHUP)
    wait_until(lambda: [m["external_port"] for m in upnpd.mappings()] == [8081], 2, "8080 is gone")
    assert fetch(lab.inet1, lab.wan_address, 8081) == "a page"
    edit(upnpd, without=[NO_8080])
    os.kill(upnpd.pid, signal.SIGHUP)
    wait_until(lambda: upnpd.log().count("read anew") == 2, 2, "the second reload")
    igd.add(8080, 80)


def test_a_broken_file_is_named_line_by_line_and_leaves_the_old_one_in_force(lab, upnpd, page):
    find_igd(lab.pc1).add(8080, 80)
    edit(upnpd, NO_8080, "no_such_key=1", "secure_mode=perhaps")
    name = os.path.basename(upnpd.config)
    result = upnpd.admin("reload")
    assert result.returncode != 0
    for line, key in ((2, "no_such_key"), (3, "secure_mode")):
        assert re.search(rf"{re.escape(name)}:{line}: error: {key}", result.stdout), result.stdout
    os.kill(upnpd.pid, signal.SIGHUP)
    wait_until(lambda: upnpd.log().count(f"{name}:2: no_such_key") == 2, 2, "both are in the log")
    assert "error: " in upnpd.log() and not re.search("error: .*: error: ", upnpd.log()), upnpd.log()
    os.unlink(upnpd.config)
    gone = upnpd.admin("reload")
    assert gone.returncode != 0 and upnpd.config in gone.stdout and "cannot be read" in gone.stdout
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    find_igd(lab.pc1).add(8082, 80)


def test_quotas_leases_and_secure_mode_change(lab, upnpd):
    igd = find_igd(lab.pc1)
    igd.add(8080, lease=1000)
    edit(upnpd, "max_lease=100", "max_mappings_per_host=2", "secure_mode=no")
    reload(upnpd)
    assert upnpd.mappings()[0]["expires_in"] > 900, "a lease that was given stays"
    igd.add(8081, lease=1000, client=lab.pc2.address)
    assert int(igd.get(8081)["NewLeaseDuration"]) <= 100
    igd.add(8082)
    with pytest.raises(SoapFault) as refused:
        igd.add(8083)
    assert refused.value.code == 501
    edit(upnpd, "secure_mode=yes", without=["secure_mode", "max_mappings_per_host"])
    reload(upnpd)
    assert sorted(m["external_port"] for m in upnpd.mappings()) == [8080, 8082]
    igd.add(8083)


def test_a_lan_comes_up_and_goes_down_with_a_byebye(lab, upnpd, page, closing):
    closing(WebServer(lab.visitor, 80, "the visitor's page"))
    find_igd(lab.pc1).add(8080, 80)
    announcer = upnpd.process("announcer")["pid"]
    edit(upnpd, "listening_ip=guest")
    reload(upnpd)
    upnpd.wait_until_ready(lab.visitor).add(8081, 80)
    assert fetch(lab.inet1, lab.wan_address, 8081) == "the visitor's page"
    assert upnpd.process("announcer")["pid"] == announcer, "the other LAN is not disturbed"
    wire = Capture(lab.visitor)
    try:
        edit(upnpd, without=["listening_ip=guest"])
        reload(upnpd)
        wait_until(lambda: any(b"ssdp:byebye" in frame for frame in wire.frames), 2, "byebye")
    finally:
        wire.close()
    assert ssdp_answers(lab.visitor, "ssdp:all", timeout=0.3) == []
    assert [entry["name"] for entry in upnpd.status()["lans"]] == ["lan"]
    assert upnpd.process("announcer")["pid"] == announcer
    wait_until(lambda: len(upnpd.pids()) == 3, 2, "the announcer of the LAN that went has ended")
    for port, text in ((8080, "a page"), (8081, "the visitor's page")):
        assert fetch(lab.inet1, lab.wan_address, port) == text
    edit(upnpd, "listening_ip=guest")
    reload(upnpd)
    upnpd.wait_until_ready(lab.visitor)


def test_a_new_name_is_announced_anew(lab, upnpd):
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    wire = Capture(lab.pc1)

    def byebyes():
        """Whether each NOTIFY says byebye."""
        return [b"ssdp:byebye" in frame for frame in wire.frames if b"NOTIFY * HTTP" in frame]
    try:
        edit(upnpd, "friendly_name=Another name", "notify_interval=60", without=["notify_interval"])
        reload(upnpd)
        wait_until(lambda: any(byebyes()) and not byebyes()[-1], 5, "byebye first, then alive")
    finally:
        wire.close()
    igd = wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 5, "discovery")
    names = [e.text for e in igd.description.iter() if e.tag.endswith("friendlyName")]
    assert names[0] == "Another name"
    assert igd.get(8080)["NewInternalPort"] == "80"
    assert upnpd.process("announcer")["restarts"] == 0, "an end that was asked for is no fall"


def test_the_ports_the_wan_and_the_bit_rates_change(lab, upnpd, page):
    find_igd(lab.pc1).add(8080, 80)
    edit(upnpd, "http_port=40123", "ext_ip=198.51.100.7", "bitrate_up=12345", without=["http_port"])
    reload(upnpd)
    igd = wait_until(lambda: (found := find_igd(lab.pc1, timeout=0.3)) and ":40123/" in found.location and found,
                     3, "control on the new port")
    assert igd.external_address() == "198.51.100.7"
    common = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
    assert igd.call("GetCommonLinkProperties", service=common)["NewLayer1UpstreamMaxBitRate"] == "12345"
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    edit(upnpd, "ext_ifname=guest", without=["ext_"])
    reload(upnpd)
    assert upnpd.status()["wan"]["interface"] == "guest"
    wait_until(lambda: is_closed(lab.inet1, lab.wan_address, 8080), 1, "mappings have gone with the WAN")
    edit(upnpd, "ext_ifname=wan", without=["ext_"])
    reload(upnpd)
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"


def test_upnp_switched_off_and_on(lab, upnpd, page):
    find_igd(lab.pc1).add(8080, 80)
    edit(upnpd, "enable_upnp=no")
    reload(upnpd)
    wait_until(lambda: ssdp_answers(lab.pc1, "ssdp:all", timeout=0.3) == [], 3, "silence")
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    edit(upnpd, without=["enable_upnp"])
    reload(upnpd)
    assert upnpd.wait_until_ready(lab.pc1).get(8080)["NewInternalPort"] == "80"


def test_what_needs_a_restart_is_said_and_stays(lab, upnpd):
    edit(upnpd, "lease_file=/var/lib/elsewhere", "admin_socket=/run/elsewhere.sock", "run_as=daemon",
         "uuid=00000000-0000-4000-8000-000000000000",
         without=["lease_file", "admin_socket", "uuid"])
    said = reload(upnpd)
    for key in ("lease_file", "admin_socket", "run_as", "uuid"):
        assert f"{key}: the change needs a restart" in said
    find_igd(lab.pc1).add(8080, 80)

    def is_in_the_journal():
        with open(upnpd.lease_file) as journal:
            return "8080" in journal.read()
    wait_until(is_in_the_journal, 1, "the mapping stands where it did before")


def test_a_lease_file_that_was_imported_may_go(lab, upnpd):
    other = f"{lab.directory}/other.leases"
    edit(upnpd, f"import_lease_file={other}", f"import_lease_file6={other}6")
    said = reload(upnpd)
    assert "import_lease_file: the change needs a restart" in said and "import_lease_file6: the change" in said
    upnpd.stop()
    upnpd.start()
    edit(upnpd, without=["import_lease_file"])
    assert "restart" not in reload(upnpd)


def test_the_command_lines_interfaces_still_count(lab):
    upnpd = Upnpd(lab, ext_ifname=None, listening_ip=None)
    upnpd.start("--config", upnpd.config, "--wan", "wan", "--lan", "lan")
    try:
        edit(upnpd, "ext_ifname=guest", "listening_ip=spare", "friendly_name=Read")
        reload(upnpd)
        status = upnpd.status()
        assert status["wan"]["interface"] == "wan" and [entry["name"] for entry in status["lans"]] == ["lan"]
    finally:
        upnpd.discard()


@pytest.mark.parametrize("owner, readable", [(0, True), (65534, False)])
def test_a_file_for_its_owner_alone_is_read_when_root_owns_it(lab, upnpd, owner, readable):
    """The gateway is root without root's right to read everything."""
    os.chmod(upnpd.config, 0o600)
    os.chown(upnpd.config, owner, -1)
    result = upnpd.admin("reload")
    assert (result.returncode == 0) == readable
    assert readable or "Permission denied" in result.stdout


def test_a_hundred_reloads_under_traffic_lose_nothing(lab, upnpd, closing):
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP")
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        for i in range(100):
            edit(upnpd, f"max_mappings={1000 + i}", without=["max_mappings="])
            reload(upnpd)
    finally:
        stream.close()
    assert stream.lost == [] and stream.sent > 20
    assert upnpd.status()["mappings"]["limit"] == 1099
    assert [p["restarts"] for p in upnpd.status()["processes"]] == [0, 0, 0]
