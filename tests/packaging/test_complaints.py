"""What is missing is named in one line that says what to do."""

import os
import subprocess
import tempfile

import pytest

import daemon

# Its own network and its own /run and /var/lib, with an interface lan without an address.
_ALONE = ["unshare", "--net", "--mount", "sh", "-ec",
          "mount -t tmpfs none /run; mount -t tmpfs none /var/lib; ip link add lan type veth peer name other; exec \"$@\"", "sh"]
_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
# Root of a user namespace, which owns neither the network nor its nf_tables.
_CONTAINER = ["unshare", "--user", "--map-root-user"]


def said(*words, config="listening_ip=lan\n", directory, seconds="2"):
    """What upnpd says when it is started by `words`, for a moment."""
    file = os.path.join(directory, "upnpd.conf")
    with open(file, "w") as lines:
        lines.write(config)
    result = subprocess.run([*_ALONE, "timeout", "--foreground", seconds, *words, daemon.UPNPD, "--foreground", "--config", file],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.stdout.splitlines()


@pytest.fixture
def upnpd():
    # pytest's own directories are root's alone.
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield lambda *words, **options: said(*words, directory=directory, **options)


def test_started_by_another_user_than_root(upnpd):
    (line,) = upnpd(*_NOBODY)
    assert "CAP_NET_ADMIN is missing: start upnpd as root" in line


def test_started_by_a_root_that_may_not_change_its_network(upnpd):
    (line,) = upnpd("setpriv", "--bounding-set=-net_admin")
    assert "CAP_NET_ADMIN is missing: a container or a service manager keeps it from root" in line


@pytest.mark.parametrize("capability", ["setuid", "setgid", "setpcap", "sys_chroot", "kill"])
def test_without_a_right_that_its_children_need(upnpd, capability):
    # setpcap goes last: it is what takes the others away.
    (line,) = upnpd("setpriv", f"--bounding-set=-{capability}")
    assert f"CAP_{capability.upper()} is missing" in line and "CapabilityBoundingSet=" in line


def test_where_nf_tables_is_somebody_elses(upnpd):
    lines = upnpd(*_CONTAINER)
    assert len(lines) <= 2 and "upnpd needs CAP_NET_ADMIN over its network, a kernel with nf_tables NAT" in lines[-1], lines


@pytest.mark.parametrize("words, code, wanted", [((), 0, ""), (_CONTAINER, 1, "upnpd needs CAP_NET_ADMIN over its network")])
def test_a_start_in_the_background_ends_as_it_went(tmp_path, words, code, wanted):
    (tmp_path / "upnpd.conf").write_text("listening_ip=lan\n")
    # The namespace of processes ends what runs in it.
    result = subprocess.run(
        ["unshare", "--pid", "--fork", "--kill-child", *_ALONE, "sh", "-c", '"$@"; echo $?; exec "$0" status', daemon.UPNPD_ADMIN,
         *words, daemon.UPNPD, "--config", str(tmp_path / "upnpd.conf")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=20)
    assert result.stdout.splitlines()[:1] == [str(code)], result
    assert wanted in result.stderr and (code != 0) == ("upnpd is not running" in result.stderr), result.stderr


@pytest.mark.parametrize("config, wanted", [
    ("listening_ip=nosuch\n", "waiting for interface nosuch, which does not exist: is another listening_ip meant?"),
    ("listening_ip=lan\n", "waiting for interface lan, which is down"),
    ("listening_ip=10.1.2.3\n", "waiting for interface 10.1.2.3: no interface has this address and is up"),
    ("listening_ip=lan\next_ifname=nosuch\n", "no WAN address: mappings are kept and work once nosuch has one"),
    ("listening_ip=lan\nrun_as=ghost\n", "user ghost does not exist; set run_as to one that does"),
    ("listening_ip=lan\nlease_file=/proc/none/leases\n", "lease_file may name another place"),
    ("listening_ip=lan\nadmin_socket=/proc/none\n", "admin_socket /proc/none"),
    ("ext_ifname=lan\n", "no LAN is named: add a line listening_ip=IFACE"),
], ids=lambda value: None if "is" in value else value.split()[-1])
def test_what_the_configuration_names_is_missing(upnpd, config, wanted):
    lines = upnpd(config=config)
    assert [line for line in lines if wanted in line], lines


def test_without_a_configuration_that_is_said():
    result = subprocess.run([*_ALONE, "sh", "-c", '[ ! -e /etc/upnpd ] || mount -t tmpfs none /etc/upnpd; exec "$0" --check --wan lan',
                             daemon.UPNPD], stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("/etc/upnpd/upnpd.conf (which is not there): error: no LAN is named"), result.stderr


def test_upnpd_admin_without_upnpd(tmp_path):
    result = subprocess.run([daemon.UPNPD_ADMIN, "--socket", str(tmp_path / "none"), "list", "mappings"],
                            stderr=subprocess.PIPE, text=True)
    assert result.returncode != 0 and "upnpd is not running" in result.stderr and result.stderr.count("\n") == 1
