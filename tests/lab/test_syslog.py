"""A syslog daemon that is there, that restarts, and that is not there: upnpd goes on."""

import os
import shutil
import socket
import time

import pytest

from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until


class SyslogDaemon:
    """Holds `path`, as its next life does after a restart: with another socket."""

    def __init__(self, path):
        self._path = path
        self.lines = []
        self.start()

    def start(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        os.chmod(self._path, 0o666)
        self._socket.setblocking(False)

    def stop(self):
        self._socket.close()
        os.unlink(self._path)

    def has(self, *words):
        """Whether a line that has come has all these words."""
        try:
            while True:
                self.lines.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            pass
        return any(all(word in line for word in words) for line in self.lines)


@pytest.fixture
def devices(lab):
    """A /dev of upnpd's own, to have its own /dev/log."""
    directory = os.path.join(lab.directory, "dev")
    os.mkdir(directory)
    for name in ("null", "urandom"):
        os.mknod(os.path.join(directory, name), 0o20666, os.stat(f"/dev/{name}").st_rdev)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def syslog(devices):
    daemon = SyslogDaemon(os.path.join(devices, "log"))
    yield daemon
    daemon.stop()


@pytest.fixture
def upnpd(lab, devices, syslog):
    upnpd = Upnpd(lab).start(logs="--syslog", mounts=[f"mount --bind {devices} /dev"])
    yield upnpd
    upnpd.discard()


def children(upnpd):
    return {role: upnpd.process(role)["pid"] for role in ("igd", "announcer")}


def replace_children(upnpd):
    """Each has logged what it logs when it starts; their new pids."""
    before = {role: upnpd.kill_child(role)["pid"] for role in ("igd", "announcer")}
    wait_until(lambda: all(pid not in (0, before[role]) for role, pid in children(upnpd).items()), 5, "new children")
    wait_until(lambda: find_igd(upnpd.lab.pc1, timeout=0.3), 5, "upnpd serves again")
    return children(upnpd)


def test_every_process_logs_to_syslog(syslog, upnpd):
    wait_until(lambda: syslog.has("upnpd[", "announcer", "announcing"), 2, "the announcer's line")
    assert syslog.has("upnpd[", "gateway")
    assert upnpd.log() == ""


def test_a_syslog_daemon_that_restarts_is_told_again(syslog, upnpd):
    syslog.stop()
    syslog.start()
    syslog.lines.clear()
    replace_children(upnpd)
    wait_until(lambda: syslog.has("gateway", "killed by signal 9"), 2, "the gateway's line")
    wait_until(lambda: syslog.has("announcer", "announcing"), 2, "the announcer's line")


def test_without_a_syslog_daemon_every_process_lives(syslog, upnpd):
    """A child cannot look for it from its empty root, and does not die of trying."""
    syslog.stop()
    try:
        started = replace_children(upnpd)
        time.sleep(0.5)
        assert children(upnpd) == started
    finally:
        syslog.start()
