"""--check, the options, and the ways to say what is the WAN and what are the LANs."""

import os
import re
import time

import pytest

import daemon
from daemon import CAN_MAP, UUID, Upnpd
from igd_client import SoapFault, find_igd
from namespace import wait_until
from traffic import WebServer, fetch

GOOD = ["ext_ifname=wan", "listening_ip=lan", "http_port=0", f"uuid={UUID}", CAN_MAP,
        "deny 0-65535 0.0.0.0/0 0-65535"]


@pytest.fixture
def check(lab):
    """Runs --check on lines; returns the exit status and what was said."""
    def run(lines):
        upnpd = Upnpd(lab)
        upnpd.configure(lines)
        result = lab.router.run(daemon.UPNPD, "--check", "--config", upnpd.config)
        return result.returncode, result.stdout.replace(os.path.basename(upnpd.config), "FILE")
    return run


def test_a_good_configuration_passes(check):
    assert check(["# a comment", "", *GOOD])[0] == 0


def test_keys_of_miniupnpd_are_known(check):
    status, said = check([*GOOD[:-2], "secure_mode=yes", "lease_file=/var/run/upnpd.leases", "friendly_name=Home",
                          "bitrate_up=1000000", "bitrate_down=10000000", "system_uptime=yes", "notify_interval=60",
                          "serial=12345678", "model_number=1", "enable_upnp=yes", "clean_ruleset_interval=600",
                          "upnp_table_name=filter", "force_igd_desc_v1=no", "presentation_url=http://192.168.77.1/",
                          *GOOD[-2:]])
    assert status == 0, said


@pytest.mark.parametrize("line", [
    "no_such_key=1",
    "secure_mode=perhaps",
    "http_port=70000",
    "http_port=eighty",
    "max_mappings=many",
    "max_mappings=-1",
    "uuid=not-a-uuid",
    "just some words",
    "allow 1024-70000 0.0.0.0/0 1024-65535",
    "allow 2000-1000 0.0.0.0/0 1024-65535",
    "allow 1024-65535 192.168.77.0/33 1024-65535",
    "allow 1024-65535 pc1.lan 1024-65535",
    "allow 1024-65535",
    'allow 1024-65535 0.0.0.0/0 1024-65535 "((("',
])
def test_a_bad_line_is_named_with_file_and_line(check, line):
    status, said = check([*GOOD[:3], line, *GOOD[3:]])
    assert status != 0
    assert re.search(r"FILE:4\b", said), said
    assert line.split("=")[0].split()[0] in said or "allow" in line, said


def test_all_bad_lines_are_named_at_once(check):
    said = check(["one=1", *GOOD, "two=2"])[1]
    assert re.search(r"FILE:1\b", said) and re.search(rf"FILE:{len(GOOD) + 2}\b", said), said


def test_a_missing_file_is_named(lab):
    result = lab.router.run(daemon.UPNPD, "--check", "--config", "/nowhere/upnpd.conf")
    assert result.returncode != 0
    assert result.stdout == "/nowhere/upnpd.conf: error: the configuration cannot be read (--config names the file): No such file or directory\n"


def test_a_lan_that_is_wrongly_named_is_not_called_missing_too(check):
    status, said = check(["listening_ip=one two", *[line for line in GOOD if not line.startswith("listening_ip")]])
    assert status != 0 and "listening_ip: must be an interface's name" in said and "no LAN" not in said, said


def test_version_help_and_a_wrong_option(lab):
    version = lab.router.run(daemon.UPNPD, "--version")
    assert version.returncode == 0 and re.search(r"\d+\.\d+\.\d+", version.stdout)
    usage = lab.router.run(daemon.UPNPD, "--help")
    assert usage.returncode == 0
    for option in ("--config", "--wan", "--lan", "--foreground", "--check", "--version"):
        assert option in usage.stdout, option
    wrong = lab.router.run(daemon.UPNPD, "--frobnicate")
    assert wrong.returncode != 0 and "frobnicate" in wrong.stdout


def test_without_ext_ifname_the_wan_is_the_default_routes_interface(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    upnpd = Upnpd(lab, ext_ifname=None).start()
    try:
        assert upnpd.status()["wan"]["interface"] == "wan"
        find_igd(lab.pc1).add(8080, 80)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    finally:
        upnpd.discard()


def test_wan_and_lans_by_option_alone(lab, closing):
    closing(WebServer(lab.pc1, 8000, "a page"))
    closing(WebServer(lab.visitor, 8000, "the visitor's page"))
    upnpd = Upnpd(lab)
    try:
        upnpd.start("--config", "/dev/null", "--wan", "wan", "--lan", "lan", "--lan", "guest")
        for host, page, port in ((lab.pc1, "a page", 8081), (lab.visitor, "the visitor's page", 8082)):
            upnpd.wait_until_ready(host).add(port, 8000)
            assert fetch(lab.inet1, lab.wan_address, port) == page
    finally:
        upnpd.discard()


@pytest.mark.parametrize("permissions, port, allowed", [
    ((), 8080, True),
    ((), 80, False),
    (("deny 8080 192.168.77.10/32 0-65535", CAN_MAP), 8080, False),
    (("deny 8080 192.168.77.20/32 0-65535", CAN_MAP), 8080, True),
    (("allow 80 192.168.77.0/255.255.255.0 80",), 80, True),
    (('allow 8000-9000 0.0.0.0/0 1-65535 "^game"',), 8080, False),
    (('allow 8000-9000 0.0.0.0/0 1-65535 "^lab"',), 8080, True),
    (("allow 9000 0.0.0.0/0 1-65535",), 8080, False),
])
def test_the_first_matching_permission_decides(lab, permissions, port, allowed):
    upnpd = Upnpd(lab, permissions=permissions).start()
    try:
        igd = find_igd(lab.pc1)
        if allowed:
            igd.add(port)
        else:
            with pytest.raises(SoapFault) as refused:
                igd.add(port)
            assert refused.value.code == 606
    finally:
        upnpd.discard()


def test_without_secure_mode_a_client_maps_to_another(lab, closing):
    closing(WebServer(lab.pc2, 80, "the other PC's page"))
    upnpd = Upnpd(lab, secure_mode="no").start()
    try:
        find_igd(lab.pc1).add(8080, 80, client=lab.pc2.address)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "the other PC's page"
        with pytest.raises(SoapFault) as refused:
            find_igd(lab.pc1).add(8081, 80, client=lab.lan_address)
        assert refused.value.code == 718
    finally:
        upnpd.discard()


def test_max_lease_max_mappings_and_the_request_rate(lab):
    upnpd = Upnpd(lab, max_lease=100, max_mappings=2, max_requests_per_second=5).start()
    try:
        igd = find_igd(lab.pc1)
        igd.add(8080, lease=1000)
        assert int(igd.get(8080)["NewLeaseDuration"]) <= 100
        other = find_igd(lab.pc2)
        other.add(8081, lease=0)
        assert 0 < int(other.get(8081)["NewLeaseDuration"]) <= 100
        with pytest.raises(SoapFault) as refused:
            other.add(8082)
        assert refused.value.code == 501

        def is_limited():
            try:
                igd.get(8080)
            except SoapFault as fault:
                return fault.code == 501
            return False
        wait_until(is_limited, 3, "the 501 of a host that asks too fast")
    finally:
        upnpd.discard()


def test_a_walk_takes_few_of_the_requests_that_a_host_has(lab):
    upnpd = Upnpd(lab, max_requests_per_second=5).start()
    try:
        igd = find_igd(lab.pc1)

        def is_added(port):
            try:
                igd.add(port)
            except SoapFault as fault:
                assert fault.code == 501
                return False
            return True
        for port in range(4000, 4030):
            wait_until(lambda port=port: is_added(port), 5, "the host may ask again")
        time.sleep(1)
        walk = [igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": index}) for index in range(30)]
        assert sorted(int(entry["NewExternalPort"]) for entry in walk) == list(range(4000, 4030))
    finally:
        upnpd.discard()


def test_an_interface_that_comes_later_is_served_then(lab, closing):
    closing(WebServer(lab.visitor, 80, "the visitor's page"))
    lab.router.ip("link set guest down\nlink set guest name spare\n")
    upnpd = Upnpd(lab, listening_ip=["lan", "guest"]).start()
    try:
        assert find_igd(lab.pc1).external_address() == lab.wan_address
        lab.router.ip("link set spare name guest\nlink set guest up\n")
        upnpd.wait_until_ready(lab.visitor).add(8080, 80)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "the visitor's page"
    finally:
        upnpd.discard()
