"""upnpd-admin: what it shows, what it deletes, who may ask."""

import os
import socket
import stat

import pytest

import daemon
from igd_client import SoapFault, find_igd
from traffic import WebServer, fetch, is_closed

FIELDS = {"id", "protocol", "external_port", "remote_host", "client", "internal_port", "enabled", "expires_in",
          "description", "packets", "bytes", "host"}


@pytest.fixture
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def two_mappings(lab, upnpd, igd):
    igd.add(8080, 80, lease=3600, description="web")
    igd.add(6000, 5000, protocol="UDP", remote_host=lab.inet1.address, description="game")
    yield
    for mapping in upnpd.mappings():
        upnpd.admin("delete", str(mapping["id"]))


def test_the_list_has_aligned_columns(lab, upnpd, two_mappings):
    result = upnpd.admin("list", "mappings")
    head, *rows = result.stdout.splitlines()
    assert result.returncode == 0 and len(rows) == 2, result.stdout
    web = next(row for row in rows if "8080" in row)
    for value in ("TCP", "8080", "192.168.77.10", "80", "web"):
        assert value in web.split()
    game = next(row for row in rows if "6000" in row)
    for value in ("UDP", "6000", lab.inet1.address, "5000", "game"):
        assert value in game.split()
    assert web.index("192.168.77.10") == game.index("192.168.77.10"), "columns"
    for line in upnpd.admin("status").stdout.splitlines():
        assert line == line.rstrip()


def test_the_list_as_json_has_every_field(lab, upnpd, two_mappings):
    web = next(m for m in upnpd.mappings() if m["external_port"] == 8080)
    assert set(web) == FIELDS
    assert 3590 <= web.pop("expires_in") <= 3600
    assert isinstance(web.pop("id"), int)
    assert web.pop("host") == lab.pc1.run("cat", "/sys/class/net/eth0/address").stdout.strip()
    assert web == {"protocol": "TCP", "external_port": 8080, "remote_host": "", "client": "192.168.77.10",
                   "internal_port": 80, "enabled": True, "description": "web", "packets": 0, "bytes": 0}
    game = next(m for m in upnpd.mappings() if m["external_port"] == 6000)
    assert game["remote_host"] == lab.inet1.address and game["expires_in"] is None


def test_an_empty_list_is_an_empty_list(upnpd):
    assert upnpd.mappings() == []
    assert upnpd.admin("list", "mappings").returncode == 0


def test_delete_closes_the_port_and_only_this_one(lab, upnpd, igd, closing, two_mappings):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd.add(8081, 80)
    ids = {m["external_port"]: m["id"] for m in upnpd.mappings()}
    assert upnpd.admin("delete", str(ids[8080])).returncode == 0
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    assert fetch(lab.inet1, lab.wan_address, 8081) == "a page"
    with pytest.raises(SoapFault) as refused:
        igd.get(8080)
    assert refused.value.code == 714
    again = upnpd.admin("delete", str(ids[8080]))
    assert again.returncode != 0 and str(ids[8080]) in again.stdout
    igd.add(8080, 80)
    new_id = next(m["id"] for m in upnpd.mappings() if m["external_port"] == 8080)
    assert new_id not in ids.values(), "an id is never used again"


def test_the_status_tells_wan_lans_and_processes(lab, upnpd):
    status = upnpd.status()
    assert status["wan"]["interface"] == "wan" and status["wan"]["external_address"] == lab.wan_address
    assert [(lan["interface"], lan["address"]) for lan in status["lans"]] == [("lan", lab.lan_address + "/24")]
    assert {p["role"] for p in status["processes"]} == {"gateway", "igd", "announcer"}
    assert {p["pid"] for p in status["processes"]} == set(upnpd.pids())
    assert status["mappings"]["count"] == 0
    text = upnpd.admin("status")
    assert text.returncode == 0 and lab.wan_address in text.stdout


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["list"], ["list", "leases"], ["delete"], ["delete", "one"], ["delete", "-1"],
    ["delete", "99999999999999999999"], ["delete", "1", "2"], ["list", "mappings", "--yaml"]], ids=str)
def test_a_wrong_command_is_an_error_with_a_message(upnpd, arguments):
    result = upnpd.admin(*arguments)
    assert result.returncode != 0 and result.stdout.strip()


def test_without_a_daemon_it_says_so(lab):
    result = lab.router.run(daemon.UPNPD_ADMIN, "--socket", "/nowhere/admin.sock", "status")
    assert result.returncode != 0 and "/nowhere/admin.sock" in result.stdout


@pytest.mark.parametrize("garbage", [
    b"", b"\0" * 1000, b"{", b"[]\n", b"{}\n", b'{"command":1}\n', b'{"command":"frobnicate"}\n', b"x" * 1_000_000,
    b'{"command":"delete","id":"one"}\n', b"[" * 100_000 + b"\n", os.urandom(4000) + b"\n"],
    ids=lambda data: repr(data[:20]) if data.isascii() else "noise")
def test_garbage_on_the_socket_harms_nobody(upnpd, garbage):
    before = upnpd.status()["processes"]
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
    for kind in kinds:
        with socket.socket(socket.AF_UNIX, kind) as admin:
            admin.settimeout(1)
            try:
                admin.connect(upnpd.socket)
                admin.sendall(garbage)
                admin.shutdown(socket.SHUT_WR)
                admin.recv(65536)
            except OSError:
                pass  # the other kind of socket, or cut off in the middle of a megabyte
    assert upnpd.status()["processes"] == before


def test_a_connection_that_says_nothing_blocks_nobody(upnpd):
    held = []
    try:
        for _ in range(20):
            held.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            held[-1].settimeout(1)
            try:
                held[-1].connect(upnpd.socket)
            except OSError:
                break
        find_igd(upnpd.lab.pc1).external_address()
    finally:
        for connection in held:
            connection.close()
    assert upnpd.admin("status").returncode == 0


def test_only_root_and_the_group_may_ask(lab, upnpd):
    mode = os.stat(upnpd.socket)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) & 0o007 == 0
    assert mode.st_uid == 0
    refused = lab.router.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                             daemon.UPNPD_ADMIN, "--socket", upnpd.socket, "status")
    assert refused.returncode != 0 and "ermission" in refused.stdout, refused.stdout
