"""upnpd in the router of a lab: its configuration, its start and its ends, its admin's view."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time

from igd_client import find_igd
from namespace import is_alive, wait_until
from sanitized import SANITIZED, SLOWER

# Where the binaries are: conftest.py sets them from --upnpd and --upnpd-admin.
UPNPD = None
UPNPD_ADMIN = None

UUID = "5e1b0d4e-6d2b-4a6f-9d38-0a8c1f2e3d4c"
CAN_MAP = "allow 1024-65535 0.0.0.0/0 80-65535"
READY_WITHIN = 10
# A namespace of the network has this machine's files. What upnpd makes below /run, and by default
# below /var/lib, it makes in a file system of its own; a new one at each start, as after a reboot.
_OWN_DIRECTORIES = ["mount -t tmpfs none /run", "mount -t tmpfs none /var/lib"]
_numbers = itertools.count(1)


class Upnpd:
    """One configuration of upnpd in `lab`. `keys` are added to, or put in place of, the usual ones;
    a value of None leaves a key out, a list repeats it."""

    def __init__(self, lab, permissions=(CAN_MAP,), **keys):
        self.lab = lab
        self._stem = os.path.join(lab.directory, f"upnpd{next(_numbers)}")
        self.config, self.socket = self._stem + ".conf", self._stem + ".sock"
        self.log_file, self.lease_file = self._stem + ".log", self._stem + ".leases"
        self._process = None
        settings = {"ext_ifname": "wan", "listening_ip": "lan", "http_port": 0,
                    "lease_file": self.lease_file, "admin_socket": self.socket, "uuid": UUID,
                    "max_requests_per_second": 0, "notify_interval": 900, **keys}
        self.configure([f"{key}={value}" for key, values in settings.items() if values is not None
                        for value in (values if isinstance(values, list) else [values])],
                       permissions)
        lab.at_end(self.discard)

    def configure(self, lines, permissions=()):
        with open(self.config, "w") as config:
            config.write("\n".join([*lines, *permissions, ""]))

    def start(self, *arguments, ready_on="pc1", logs="--foreground", mounts=(), slept=None, env=None):
        """Starts upnpd and waits until it answers on the LAN. Without `arguments` it is given the
        configuration file. `logs` is the option that says where to. `mounts` are shell commands that
        change its file systems; `slept` seconds more have passed by its CLOCK_BOOTTIME than by this
        machine's, as if it had slept so long."""
        assert not self.is_running()
        with open(self.log_file, "ab") as log:
            self._process = self.lab.router.start(
                *(("unshare", "--time", "--boottime", str(slept)) if slept is not None else ()),
                "unshare", "--mount", "sh", "-c", " && ".join([*_OWN_DIRECTORIES, *mounts, 'exec "$@"']), "sh",
                UPNPD, logs, *(arguments or ("--config", self.config)), output=log, env=env)
        if ready_on:
            self.wait_until_ready(getattr(self.lab, ready_on))
        return self

    def wait_until_ready(self, host):
        def served():
            assert self.is_running(), f"upnpd ended by itself:\n{self.log()}"
            return find_igd(host, timeout=0.3)
        return wait_until(served, READY_WITHIN, lambda: f"upnpd answers {host.name}\n{self.log()}")

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def log(self):
        try:
            with open(self.log_file, errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def pids(self):
        """The gateway and all that descends from it, now."""
        parents = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
        family = [self.pid] if self.is_running() else []
        for pid in family:
            family.extend(child for child, parent in parents.items() if parent == pid)
        return family

    def stop(self):
        """The clean end: SIGTERM. Returns the exit status."""
        self._process.terminate()
        try:
            return self._process.wait(10 * SLOWER)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"upnpd does not end at SIGTERM:\n{self.log()}") from None

    def kill(self):
        """kill -9 of the gateway; returns the pids its children had."""
        children = self.pids()[1:]
        self._process.kill()
        self._process.wait()
        return children

    def signal_all(self, number):
        family = self.pids()
        # Were the gateway continued first, it would find its children stopped, and end them.
        for pid in reversed(family) if number == signal.SIGCONT else family:
            os.kill(pid, number)

    def discard(self):
        """Ends upnpd, whatever state it is in, and takes away what a killed one left in the kernel."""
        if self.is_running():
            family = self.pids()
            self.signal_all(signal.SIGCONT)
            with contextlib.suppress(AssertionError):
                self.stop()
            deadline = time.monotonic() + 2 * SLOWER
            while any(map(is_alive, family)) and time.monotonic() < deadline:
                time.sleep(0.02)
        self.lab.router.run("nft", "delete", "table", "inet", "upnpd")
        if SANITIZED:
            found = [line for line in self.log().splitlines()
                     if "Sanitizer" in line or "runtime error:" in line]
            assert not found, self.log()

    # What upnpd-admin says.

    def admin(self, *arguments):
        return self.lab.router.run(UPNPD_ADMIN, "--socket", self.socket, *arguments)

    def admin_json(self, *arguments):
        result = self.admin(*arguments, "--json")
        assert result.returncode == 0, result.stdout
        return json.loads(result.stdout)

    def mappings(self):
        return self.admin_json("list", "mappings")["mappings"]

    def status(self):
        return self.admin_json("status")

    def process(self, role):
        """The first process of `role` in the status. Its pid is 0 while it is not running."""
        return next(p for p in self.status()["processes"] if p["role"] == role)

    def kill_child(self, role):
        """kill -9 of a child, once it runs; returns what the status said of it."""
        process = wait_until(lambda: (p := self.process(role))["pid"] > 0 and p, 5, f"{role} runs")
        assert process["pid"] in self.pids()[1:], process
        os.kill(process["pid"], signal.SIGKILL)
        return process
