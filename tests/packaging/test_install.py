"""`meson install`, and what the unit of systemd gives upnpd."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

import daemon
from sanitized import SANITIZED

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = (ROOT / "packaging/systemd/upnpd.service").read_text()
# What a gateway needs: docs/design.md, "Privileges".
CAPABILITIES = {"CAP_NET_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_SYS_CHROOT", "CAP_KILL"}


def install(build, destination):
    result = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", str(destination)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    destination = tmp_path_factory.mktemp("install")
    install(build, destination)
    return destination


@pytest.mark.parametrize("place", [
    "usr/local/sbin/upnpd", "usr/local/sbin/upnpd-admin", "usr/local/share/man/man8/upnpd.8",
    "usr/local/share/man/man8/upnpd-admin.8", "usr/local/share/man/man5/upnpd.conf.5",
    "usr/local/share/bash-completion/completions/upnpd", "usr/local/share/bash-completion/completions/upnpd-admin",
    "usr/local/share/zsh/site-functions/_upnpd", "usr/local/share/zsh/site-functions/_upnpd-admin", "etc/upnpd/upnpd.conf"])
def test_meson_installs_it_where_it_is_looked_for(installed, place):
    assert (installed / place).is_file()


def test_nothing_else_is_installed(installed):
    files = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert len(files) == 10, files


def test_an_owners_configuration_stays(build, tmp_path):
    mine = tmp_path / "etc/upnpd/upnpd.conf"
    mine.parent.mkdir(parents=True)
    mine.write_text("listening_ip=mine\n")
    install(build, tmp_path)
    assert mine.read_text() == "listening_ip=mine\n"


def test_the_unit_has_the_capabilities_that_the_gateway_needs_and_no_other():
    assert set(re.search(r"^CapabilityBoundingSet=(.*)", UNIT, re.MULTILINE).group(1).split()) == CAPABILITIES
    assert "NoNewPrivileges=" not in UNIT, "a child could not give its rights away"


def test_systemd_finds_the_unit_well_shut():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=32",
                             str(ROOT / "packaging/systemd/upnpd.service")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env={**os.environ, "SYSTEMD_COLORS": "0"})
    assert result.returncode == 0, result.stdout.splitlines()[-1]


def test_the_debian_packages_version_is_the_projects():
    version = re.search(r"version: '(.*)'", (ROOT / "meson.build").read_text()).group(1)
    assert (ROOT / "packaging/debian/changelog").read_text().startswith(f"upnpd ({version}) ")


def test_libupnps_socket_calls_are_answered_in_upnpd():
    """Without every symbol being exported, which costs a router 280 KB; see libupnp_sockets.h."""
    result = subprocess.run(["nm", "-D", "--defined-only", daemon.UPNPD], stdout=subprocess.PIPE, text=True, check=True)
    exported = {line.split()[-1] for line in result.stdout.splitlines()}
    assert {"socket", "bind", "setsockopt", "connect", "accept", "recv", "select", "close", "getaddrinfo",
            "inet_pton"} <= exported
    # The sanitizers' own library exports its own.
    assert len(exported) < 100 or SANITIZED
