"""An attack that goes on while an honest client is watched: in a process of its own, so that it takes
its time from the machine and not from the client's clock. It is nicer than router and client, since an attacker
at home has a machine of its own, and not half of the router's: what it makes the router do is counted, what
it does itself is not."""

import contextlib
import os
import signal
import time


class Attack:
    """Runs `work()` again and again from __init__ to close(), in a child process that is in the network
    namespace of `host`."""

    def __init__(self, host, work):
        self._pid = os.fork()
        if self._pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.setsid()
                os.nice(10)
                with host.entered():
                    while True:
                        work()
            finally:
                os._exit(0)

    @contextlib.contextmanager
    def paused(self):
        os.kill(self._pid, signal.SIGSTOP)
        yield
        os.kill(self._pid, signal.SIGCONT)

    def close(self):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def held_open(victim, count, payload, sources=(None,)):
    """Work for an Attack: `count` connections, of `victim(source, timeout)`, that each send `payload` and then stay."""
    held = []

    def work():
        while len(held) < count:
            try:
                endpoint = victim(sources[len(held) % len(sources)], 0.2)
            except OSError:
                break
            try:
                endpoint.sendall(payload)
                held.append(endpoint)
            except OSError:
                endpoint.close()
                break
        for endpoint in held[:]:
            try:
                endpoint.sendall(b"a")
            except OSError:
                held.remove(endpoint)
                endpoint.close()
        time.sleep(0.05)
    return work


# Between its pairs of requests, so that it stays below the usual max_requests_per_second.
PAUSE = 0.005


class HonestClient:
    """Adds and deletes a mapping again and again; what each AddPortMapping took, in seconds."""

    def __init__(self, igd):
        self.igd = igd
        self.times = []
        self.failures = []

    def map_for(self, seconds, least=50):
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(self.times) + len(self.failures) < least:
            begin = time.monotonic()
            try:
                self.igd.add(9000)
            except Exception as error:
                self.failures.append(error)
                assert len(self.failures) < 10, self.failures
                continue
            self.times.append(time.monotonic() - begin)
            self.igd.delete(9000)
            time.sleep(PAUSE)
        return self

    def map_under(self, attack, seconds, within, tries=4):
        """Until in one stretch of time 99 of 100 AddPortMappings take less than `within` seconds, or no more than
        twice as long as without the attack: the machine may have other things to do."""
        for _ in range(tries):
            p99 = self._stretch(seconds)
            if p99 < within:
                return
            with attack.paused():
                calm = self._stretch(seconds)
            if calm >= within / 2 and p99 < 2 * calm:
                return
        raise AssertionError(f"slow under the attack: p99 {p99 * 1000:.1f} ms, without it {calm * 1000:.1f} ms")

    def _stretch(self, seconds):
        self.times.clear()
        self.map_for(seconds, least=100)
        print(f"\n  {self}", end="")
        return self.percentile(99)

    def percentile(self, percent):
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    def __str__(self):
        return (f"{len(self.times)} AddPortMapping, {len(self.failures)} failed, "
                f"p50 {self.percentile(50) * 1000:.1f} ms, p99 {self.percentile(99) * 1000:.1f} ms")


def memory_of(pid):
    """Kilobytes: (resident now, address space at its largest)."""
    with open(f"/proc/{pid}/status") as status:
        values = dict(line.split(":", 1) for line in status if ":" in line)
    return int(values["VmRSS"].split()[0]), int(values["VmPeak"].split()[0])


def address_space_limit_of(pid):
    with open(f"/proc/{pid}/limits") as limits:
        line = next(line for line in limits if line.startswith("Max address space"))
    words = line.split()
    return None if words[3] == "unlimited" else int(words[3]) // 1024
