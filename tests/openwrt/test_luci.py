"""The backend of LuCI's UPnP page, run by the real ucode against the real upnpd: what the page shows and what
its Delete button sends. What the page does with it was read in luci-app-upnp's upnp.js and 80_upnp.js."""

import json
import pathlib
import shutil

import pytest

import daemon
from igd_client import FIREWALL, IGD2, find_igd
from ipv6 import add_ipv6
from router import PACKAGE

UCODE = pathlib.Path(__file__).parent / "ucode"
pytestmark = pytest.mark.skipif(not shutil.which("ucode"), reason="ucode is not installed; Debian has no package of it")


@pytest.fixture
def call(lab, upnpd, tmp_path):
    """call(METHOD, ARGUMENTS): what rpcd's caller gets."""
    (tmp_path / "upnpd-admin").write_text(f'#!/bin/sh\nexec {daemon.UPNPD_ADMIN} --socket {upnpd.socket} "$@"\n')
    (tmp_path / "upnpd-admin").chmod(0o755)

    def call(method, arguments="{}", luci_rpc="there"):
        result = lab.router.run("sh", "-c", 'PATH="$1:$PATH"; shift; exec "$@"', "sh", str(tmp_path),
                                "env", f"LUCI_RPC={luci_rpc}", "ucode", "-L",
                                str(UCODE), str(UCODE / "call.uc"), str(PACKAGE / "files/luci.upnp"), "luci.upnp",
                                method, arguments)
        assert result.stdout.rstrip().endswith("}"), result.stdout
        return json.loads(result.stdout[result.stdout.index("{"):])
    return call


def delete(call, token):
    return call("delete_rule", json.dumps({"token": token}))["result"]


def test_a_mapping_is_a_row_with_all_the_page_shows(lab, call):
    assert call("get_status") == {"rules": []}
    find_igd(lab.pc1).add(8080, 80, lease=3600, description="Q&A web")
    (row,) = call("get_status")["rules"]
    assert 3590 <= row.pop("expires") <= 3600
    num = row.pop("num")
    assert isinstance(num, str) and num.isdigit()
    assert row == {"proto": "TCP", "extport": 8080, "intaddr": "192.168.77.10", "intport": 80, "remote_host": "",
                   "descr": "UPnP IGD / Q＆A web", "host_hint": "console ‹1›"}
    assert delete(call, num) == "OK"


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "&lt;script&gt;", "</td><a href=javascript:1>"])
def test_a_description_is_no_markup_to_a_page_that_takes_it_for_html(lab, call, text):
    find_igd(lab.pc1).add(8080, 80, description=text)
    (row,) = call("get_status")["rules"]
    assert not set("<>&") & set(row["descr"])
    assert row["descr"] == "UPnP IGD / " + text.replace("<", "‹").replace(">", "›").replace("&", "＆")
    assert delete(call, row["num"]) == "OK"


def test_delete_takes_the_row_that_was_shown_whatever_came_and_went_since(lab, upnpd, call):
    igd = find_igd(lab.pc1)
    for port in (8081, 8082, 8083):
        igd.add(port, 80)
    nums = {row["extport"]: row["num"] for row in call("get_status")["rules"]}
    igd.delete(8081)
    assert delete(call, nums[8083]) == "OK"
    assert [mapping["external_port"] for mapping in upnpd.mappings()] == [8082]
    assert delete(call, nums[8083]) == "Bad request", "it is gone"
    assert delete(call, nums[8082]) == "OK"


def test_a_permanent_mapping_to_one_remote_host(lab, call):
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", remote_host="198.51.100.7", description="game")
    (row,) = call("get_status")["rules"]
    assert "expires" not in row and row["remote_host"] == "198.51.100.7"
    assert row["descr"] == "UPnP IGD / game (from 198.51.100.7 only)"
    assert delete(call, row["num"]) == "OK"


@pytest.mark.parametrize("token", ["", "0", "-1", "1;reboot", "p", "p0", "pp1", "1 2", None, "99999"], ids=str)
def test_a_token_that_is_no_row_deletes_nothing(lab, upnpd, call, token):
    find_igd(lab.pc1).add(8090, 80)
    assert delete(call, token) == "Bad request"
    assert len(upnpd.mappings()) == 1
    assert delete(call, str(upnpd.mappings()[0]["id"])) == "OK"


def test_a_pinhole_is_a_row_too(lab, upnpd, call):
    add_ipv6(lab)
    find_igd(lab.pc1, IGD2).call("AddPinhole", {
        "RemoteHost": "", "RemotePort": 0, "InternalClient": lab.pc1.address6, "InternalPort": 4000, "Protocol": 17,
        "LeaseTime": 3600}, FIREWALL)
    (row,) = call("get_status")["rules"]
    assert row["num"].startswith("p") and row["intaddr"] == lab.pc1.address6 and row["intport"] == 4000
    assert row["proto"] == "UDP" and row["descr"] == "UPnP IGD / IPv6 pinhole" and row["host_hint"] == "console ‹1›"
    assert delete(call, row["num"]) == "OK" and call("get_status") == {"rules": []}


def test_where_nobody_knows_names_the_rows_are_there_all_the_same(lab, call):
    find_igd(lab.pc1).add(8080, 80)
    (row,) = call("get_status", luci_rpc="absent")["rules"]
    assert row["extport"] == 8080 and row["host_hint"] == ""
    assert delete(call, row["num"]) == "OK"


def test_without_upnpd_there_are_no_rows(lab, upnpd, call):
    upnpd.stop()
    assert call("get_status") == {"rules": []}
    assert delete(call, "1") == "Bad request"
