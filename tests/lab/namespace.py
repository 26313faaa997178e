"""A network namespace as an object: commands run in it, sockets are made in it, it is taken away.

Sockets belong to the namespace they were made in, whatever thread uses them later. So the tests'
own servers and clients are plain Python in this process, made under `with namespace.entered():`.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time

from sanitized import SLOWER

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "setns: " + os.strerror(error))


def wait_until(predicate, seconds, what):
    """Polls `predicate` until it returns something true and returns that; fails after `seconds`, or SLOWER times
    as many. `what` is said then; when it is a function, what it returns."""
    seconds *= SLOWER
    deadline = time.monotonic() + seconds
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def is_alive(pid):
    """Whether the process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Namespace:
    """One host of the lab. `address` is its IPv4 address, set by whoever plugs it in."""

    def __init__(self, name):
        self.name = name
        self.address = None

    def create(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.ip("link set lo up\n")

    def ip(self, commands):
        """Runs `ip` commands, one a line, here."""
        subprocess.run(["ip", "-n", self.name, "-batch", "-"], input=commands, text=True, check=True)

    def sysctl(self, setting):
        self.run("sysctl", "-qw", setting, check=True)

    def run(self, *argv, timeout=20, check=False, input=None):
        """Runs a command to its end; output and errors together in `.stdout`. `timeout` is SLOWER times as long."""
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *argv], timeout=timeout * SLOWER, check=check, input=input,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=None if input is not None else subprocess.DEVNULL)

    def start(self, *argv, input=subprocess.DEVNULL, output=subprocess.DEVNULL, env=None):
        """Starts a command in the background. Its pid is the command's own: `ip` becomes it."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *argv], stdin=input, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True, env=env)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace until the end of the `with`."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(there)
            os.close(home)

    def socket(self, family=socket.AF_INET, type=socket.SOCK_STREAM, protocol=0):
        with self.entered():
            return socket.socket(family, type, protocol)

    def listen(self, port, address="0.0.0.0"):
        listener = self.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
        return listener

    def connect(self, host, port, timeout=2.0):
        """A connected TCP socket, or the OSError of connect()."""
        connection = self.socket()
        connection.settimeout(timeout)
        try:
            connection.connect((host, port))
        except OSError:
            connection.close()
            raise
        return connection

    def udp(self, port=0, timeout=1.0):
        """A UDP socket bound to `port` (0 = any)."""
        endpoint = self.socket(type=socket.SOCK_DGRAM)
        endpoint.settimeout(timeout)
        endpoint.bind(("0.0.0.0", port))
        return endpoint

    def pids(self):
        listing = subprocess.run(["ip", "netns", "pids", self.name], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True)
        return [int(pid) for pid in listing.stdout.split() if int(pid) != os.getpid()]

    def remove(self):
        """Ends what still runs here, by pid, and deletes the namespace. Can be called twice."""
        deadline = time.monotonic() + 5
        while (left := self.pids()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL)
