"""kill -9 of the gateway at random moments, under a load of changes; what was acknowledged is there after
each start, what was deleted or has ended is not, and table, kernel and journal agree.

    sudo /usr/bin/python3 -B tests/soak/kill_under_load.py [--rounds 100] [--seed N]

A change that was not acknowledged before the kill may have come true or not. One that was, has.
"""

import http.client
import pathlib
import random
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import daemon  # noqa: E402
from by_hand import run_by_hand  # noqa: E402
from igd_client import WAN_IP_1, SoapFault, envelope, find_igd, mapping_arguments, soap_answer  # noqa: E402
from traffic import Stream, UdpEcho  # noqa: E402
from views import difference, journal_mappings, kernel_mappings  # noqa: E402

CLIENTS = 4
CHANGES_PER_SECOND = 200
PORTS = 40  # of each client
# So close to its end, a lease may be seen or not: the looks at table, kernel and journal take time.
NEAR = 1.5


class Client(threading.Thread):
    """Adds, renews and deletes mappings of its own ports, and remembers what each must be by now:
    `known` has (internal port, end of the lease) by key, None for one that is gone; the keys in
    `doubtful` were being changed when the gateway was killed."""

    def __init__(self, number, host, remote_hosts, seed):
        super().__init__(daemon=True)
        self.host, self.known, self.doubtful, self.acknowledged, self.faults = host, {}, set(), 0, []
        self._random = random.Random(f"{seed}-{number}")
        self._ports = range(20000 + number * 1000, 20000 + number * 1000 + PORTS)
        self._remote_hosts = ["", *remote_hosts]
        self._url, self._connection = None, None
        self.go, self.ended, self.over = threading.Event(), threading.Event(), False

    def run(self):
        while self.go.wait() and not self.over:
            try:
                while self.go.is_set():
                    started = time.monotonic()
                    self._change()
                    time.sleep(max(0, CLIENTS / CHANGES_PER_SECOND - (time.monotonic() - started)))
            except (OSError, http.client.HTTPException):
                pass  # the gateway has gone
            self.go.clear()
            self.ended.set()

    def connect(self, url):
        parts = urllib.parse.urlsplit(url)
        self._url = parts.path
        if self._connection:
            self._connection.close()
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
        self._connection.sock = self.host.connect(parts.hostname, parts.port, 5)
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ended.clear()

    def _change(self):
        key = (self._random.choice(["TCP", "UDP"]), self._random.choice(self._ports),
               self._random.choice(self._remote_hosts))
        delete = self.known.get(key) is not None and self._random.random() < 0.4
        internal_port = self._random.randrange(1024, 65536)
        lease = self._random.choice([0, 600, 600, 1, 2, 3])
        self.doubtful.add(key)
        try:
            if delete:
                self._call("DeletePortMapping", {"NewRemoteHost": key[2], "NewExternalPort": key[1],
                                                 "NewProtocol": key[0]})
            else:
                self._call("AddPortMapping", mapping_arguments(
                    key[1], internal_port, key[0], lease, self.host.address, key[2], f"{internal_port}"))
        except SoapFault as fault:
            if not (delete and fault.code == 714):  # its lease has ended meanwhile
                self.faults.append(f"{key}: {fault}")
        self.known[key] = None if delete else (internal_port, time.monotonic() + lease if lease else None)
        self.doubtful.discard(key)
        self.acknowledged += 1

    def _call(self, action, arguments):
        self._connection.request("POST", self._url, envelope(WAN_IP_1, action, arguments), {
            "Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": f'"{WAN_IP_1}#{action}"'})
        answer = self._connection.getresponse()
        return soap_answer(answer.status, answer.headers, answer.read())


def check(lab, upnpd, clients):
    """Holds table, kernel, journal and what the clients know against each other."""
    asked = time.monotonic()
    listed = {(m["protocol"], m["external_port"], m["remote_host"]): m for m in upnpd.mappings()}
    answered = time.monotonic()
    kernel, journal, now = kernel_mappings(lab), journal_mappings(upnpd.lease_file), time.monotonic()
    near = {key for key, m in listed.items() if m["expires_in"] is not None and m["expires_in"] <= NEAR + 1}
    for client in clients:
        near |= {key for key, lease in client.known.items() if lease and lease[1] and abs(lease[1] - now) < NEAR}
    table = {key: ((m["client"], m["internal_port"]), m["id"], m["description"]) for key, m in listed.items()}

    def far(contents):
        return {key: value for key, value in contents.items() if key not in near}
    assert far(table) == far(journal), difference(far(table), far(journal))
    places = {key: value[0] for key, value in table.items()}
    assert far(places) == far(kernel), difference(far(places), far(kernel))
    for client in clients:
        assert client.faults == [], client.faults
        for key, lease in client.known.items():
            if key in near or key in client.doubtful:
                continue
            wanted = lease and (lease[1] is None or lease[1] > now) and (client.host.address, lease[0])
            assert places.get(key) == (wanted or None), (key, lease, places.get(key), now)
            left = listed[key]["expires_in"] if wanted else None
            assert not wanted or (left is None) == (lease[1] is None), (key, lease, left)
            # Whole seconds, rounded up; the end is known as late as the answer came.
            assert left is None or lease[1] - answered - NEAR < left < lease[1] - asked + 1.1, (key, lease, left)
        for key in client.doubtful:
            m = listed.get(key)
            client.known[key] = m and (m["internal_port"],
                                       None if m["expires_in"] is None else answered + m["expires_in"])
        client.doubtful.clear()
    return len(table)


def run(lab, rounds, seed, say=print):
    """`rounds` times: load, kill, start, check. Returns what was seen."""
    upnpd = daemon.Upnpd(lab).start()
    moments = random.Random(seed)
    clients = [Client(i, (lab.pc1, lab.pc2)[i % 2], (lab.inet1.address, lab.inet2.address), seed)
               for i in range(CLIENTS)]
    echo = UdpEcho(lab.pc1, 5000)
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP")
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    loaded = 0.0
    for client in clients:
        client.start()
    try:
        for number in range(1, rounds + 1):
            url = find_igd(lab.pc1).url(WAN_IP_1)
            for client in clients:
                client.connect(url)
                client.go.set()
            moment = moments.uniform(0.05, 1.0)
            time.sleep(moment)
            loaded += moment
            upnpd.kill()
            for client in clients:
                assert client.ended.wait(10), "a client goes on without a gateway"
            doubtful = sum(len(client.doubtful) for client in clients)
            upnpd.start()
            count = check(lab, upnpd, clients)
            assert stream.lost == [], stream.lost
            say(f"round {number}: killed after {moment:.3f} s, {doubtful} changes under way, {count} mappings agree")
    finally:
        for client in clients:
            client.over = True
            client.go.set()
        stream.close()
        echo.close()
        upnpd.discard()
    acknowledged = sum(client.acknowledged for client in clients)
    return {"rounds": rounds, "acknowledged": acknowledged, "per_second": acknowledged / loaded,
            "datagrams": stream.sent, "lost": stream.lost}


def main():
    seen = run_by_hand(__doc__, run, "rounds", 100)
    print("{rounds} rounds, {acknowledged} changes acknowledged, {per_second:.0f} a second under load; "
          "{datagrams} datagrams through another mapping, {} lost".format(len(seen["lost"]), **seen))


if __name__ == "__main__":
    main()
