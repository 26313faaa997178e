"""The life of the Debian package on a machine with systemd: installed, started, upgraded, removed, purged.
Each test goes on where the one before has ended."""

import re
import subprocess

import pytest

import machine
from igd_client import find_igd
from namespace import wait_until
from sanitized import SANITIZED
from test_install import CAPABILITIES, ROOT
from traffic import WebServer, fetch, is_closed

pytestmark = [pytest.mark.skipif(machine.why_not() is not None, reason=str(machine.why_not())),
              pytest.mark.skipif(SANITIZED, reason="a sanitizer's build is no package's")]
CONFIG = "etc/upnpd/upnpd.conf"


@pytest.fixture(scope="module")
def package(build, tmp_path_factory):
    """The package, of the binaries under test."""
    directory = tmp_path_factory.mktemp("package")
    result = subprocess.run([str(ROOT / "scripts/package"), "--built", str(build), str(directory)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout
    (found,) = directory.glob("upnpd_*.deb")
    return found


@pytest.fixture(scope="module")
def next_package(package, tmp_path_factory):
    """The same, of a later version."""
    directory = tmp_path_factory.mktemp("next")
    subprocess.run(["dpkg-deb", "-R", str(package), str(directory / "files")], check=True)
    control = directory / "files/DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", r"\g<0>+next", control.read_text(), flags=re.MULTILINE))
    subprocess.run(["dpkg-deb", "-b", str(directory / "files"), str(directory)], check=True, stdout=subprocess.DEVNULL)
    (found,) = directory.glob("upnpd_*.deb")
    return found


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab()


@pytest.fixture(scope="module")
def debian(lab, package, next_package, tmp_path_factory):
    debian = machine.Machine(lab, tmp_path_factory.mktemp("machine"))
    for version, file in (("first", package), ("next", next_package)):
        (debian.root / f"tmp/{version}.deb").write_bytes(file.read_bytes())
    return debian


@pytest.fixture(scope="module")
def web(lab):
    server = WebServer(lab.pc1, 8000, "a page")
    yield server
    server.close()


def mappings(debian):
    return re.findall(r"^(\d+) +TCP +8080 .* web$", debian.check("upnpd-admin", "list", "mappings"), re.MULTILINE)


def version_of(debian):
    return debian.check("dpkg-query", "--show", "--showformat=${Version}", "upnpd")


def main_pid(debian):
    return int(debian.unit("upnpd", "MainPID"))


def serves(lab):
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 20, "the LAN is served")


def test_installed_it_neither_runs_nor_would_at_the_next_start(debian):
    debian.check("dpkg", "-i", "/tmp/first.deb")
    assert debian.unit("upnpd", "ActiveState") == "inactive" and debian.unit("upnpd", "UnitFileState") == "disabled"
    assert debian.check("getent", "passwd", "upnpd").endswith(":/usr/sbin/nologin\n")
    debian.check("upnpd", "--check", "--lan", "lan")


def test_without_a_lan_its_failure_says_what_to_do(debian):
    debian.run("systemctl", "start", "upnpd")
    wait_until(lambda: "no LAN is named" in debian.check("journalctl", "-u", "upnpd"), 10,
               lambda: debian.check("journalctl", "-u", "upnpd"))
    debian.run("systemctl", "stop", "upnpd")


def test_a_named_lan_is_served_with_the_units_rights_alone(lab, debian, web):
    with open(debian.root / CONFIG, "a") as config:
        config.write("listening_ip=lan\next_ifname=wan\n")
    debian.check("systemctl", "enable", "--now", "upnpd")
    serves(lab)
    find_igd(lab.pc1).add(8080, 8000, description="web")
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    status = debian.check("cat", f"/proc/{main_pid(debian)}/status")
    assert int(re.search(r"^CapBnd:\t(\w+)", status, re.MULTILINE).group(1), 16).bit_count() == len(CAPABILITIES)
    processes = debian.check("systemctl", "status", "upnpd", "--no-pager")
    assert processes.count("upnpd --child") == 2
    log = debian.check("journalctl", "-u", "upnpd", "--since", "-10s")
    assert "cannot" not in log and "no system call is forbidden" not in log, "systemd's filter is there"


def test_systemd_says_how_well_it_is_shut(debian):
    score = debian.check("systemd-analyze", "security", "--no-pager", "upnpd").splitlines()[-1]
    print(score)
    assert float(re.search(r"Overall exposure level for upnpd.service: ([0-9.]+)", score).group(1)) < 3.3


def test_who_is_in_its_group_may_administer_and_others_may_not(debian):
    someone = ["setpriv", "--reuid", "nobody", "--clear-groups", "--regid"]
    assert len(re.findall("8080", debian.check(*someone, "upnpd", "upnpd-admin", "list", "mappings"))) == 1
    refused = debian.run(*someone, "nogroup", "upnpd-admin", "list", "mappings")
    assert refused.returncode != 0 and "group" in refused.stdout, refused.stdout


def test_a_reload_is_no_restart(debian):
    before = main_pid(debian)
    debian.check("systemctl", "reload", "upnpd")
    wait_until(lambda: "read anew" in debian.check("journalctl", "-u", "upnpd"), 5, "the configuration is read")
    assert main_pid(debian) == before and len(mappings(debian)) == 1


def test_killed_it_is_back_with_its_mappings(lab, debian, web):
    before, kept = main_pid(debian), mappings(debian)
    debian.check("kill", "-KILL", str(before))
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    wait_until(lambda: main_pid(debian) not in (0, before), 10, "it is started again")
    serves(lab)
    assert mappings(debian) == kept != []


def test_an_upgrade_keeps_configuration_and_mappings(lab, debian, web):
    before, kept = main_pid(debian), mappings(debian)
    installed = version_of(debian)
    debian.check("dpkg", "-i", "/tmp/next.deb")
    assert version_of(debian) == installed + "+next"
    assert main_pid(debian) not in (0, before), "the new one runs"
    assert "listening_ip=lan" in (debian.root / CONFIG).read_text()
    serves(lab)
    assert mappings(debian) == kept != []
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"


def test_removed_it_leaves_no_process_and_no_table(lab, debian, web):
    debian.check("dpkg", "-r", "upnpd")
    assert debian.unit("upnpd", "ActiveState") == "inactive"
    assert lab.table() == "" and is_closed(lab.inet1, lab.wan_address, 8080)
    assert (debian.root / CONFIG).exists() and (debian.root / "var/lib/upnpd/leases").exists()


def test_purged_it_leaves_no_file(debian):
    debian.check("dpkg", "-P", "upnpd")
    names = [word for name in ("upnpd", "upnpd[.-]*", "_upnpd*") for word in ("-name", name, "-o")]
    left = debian.check("find", "/etc", "/lib/systemd", "/usr", "/var/lib", "/run", "-xdev", "(", *names[:-1], ")").split()
    assert left == []


def test_installed_again_and_not_running_an_upgrade_starts_nothing(debian):
    debian.check("dpkg", "-i", "/tmp/first.deb")
    installed = version_of(debian)
    debian.check("dpkg", "-i", "/tmp/next.deb")
    assert version_of(debian) == installed + "+next"
    assert debian.unit("upnpd", "ActiveState") == "inactive" and debian.unit("upnpd", "UnitFileState") == "disabled"
