"""A host of the soak test: what it asks for at random, and what must be of it by now.

Its ports are a block that no other host asks for, except to be refused; so it knows the answer to every
request beforehand."""

import random
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

from igd_client import FIREWALL, IGD2, WAN_IP_1, WAN_IP_2, SoapFault, find_igd
from namespace import wait_until

PORTS = 60  # in a block
POPULATION = 40  # mappings of a host, about
PINHOLES = 8
ECHO = 5000  # the port on which every host echoes datagrams
WEEK = 604800
# So close to its end a lease may be seen or not: looking takes time.
NEAR = 1.5
NUMBERS = {"TCP": 6, "UDP": 17}


def is_near(lease, now, until=None):
    """Whether the lease ends about now, or in the time from then until another."""
    return bool(lease) and lease[1] is not None and now - NEAR <= lease[1] <= (until or now) + NEAR


def has_ended(lease, now):
    return lease is None or (lease[1] is not None and lease[1] <= now)


def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except SoapFault as fault:
        return fault.code
    return None


class Household:
    """`known` has (internal port, end of the lease) by (protocol, external port, remote host); `pinholes`
    the same of the UniqueID by (client, protocol, port, remote host, remote port). What has ended stays
    there until forget()."""

    def __init__(self, host, number, lab, seed):
        self.host, self.known, self.pinholes, self.denied, self.asked = host, {}, {}, range(0), 0
        self.ports = range(20000 + 100 * number, 20000 + 100 * number + PORTS)
        self._random = random.Random(f"{seed}-{number}")
        self._remote_hosts = ["", "", lab.inet1.address, lab.inet2.address]
        self._remote_hosts6 = ["", lab.inet1.address6]
        self._igd = None

    def find(self, seconds):
        """Looks for the gateway until it is there."""
        self._igd = wait_until(lambda: find_igd(self.host, IGD2, timeout=0.3), seconds,
                               f"{self.host.name} finds the gateway")

    def ask(self, count):
        """So many requests, each answered as it must be."""
        for _ in range(count):
            wanted = POPULATION + (20 if self._random.random() < 0.3 else 0)
            more = len(self.known) < wanted
            what = self._random.choices(
                [self._add, self._add_any, self._renew, self._delete, self._delete_range, self._look,
                 self._pinhole],
                [8 if more else 2, 2, 3, 2 if more else 7, 0.5, 2, 3 if hasattr(self.host, "address6") else 0])[0]
            what()
            self.asked += 1

    def trespass(self, other):
        """Tries to take and to delete what another host has."""
        now = time.monotonic()
        theirs = [key for key, lease in other.known.items() if not has_ended(lease, now)
                  and not is_near(lease, now) and key[1] not in other.denied]
        if not theirs:
            return
        protocol, port, remote_host = self._random.choice(theirs)
        assert error_of(self._igd.add, port, ECHO, protocol, remote_host=remote_host) == 718
        assert error_of(self._igd.delete, port, protocol, remote_host, WAN_IP_2) == 606
        given = self._igd.add_any(port, ECHO, protocol, 600, remote_host=remote_host)
        assert given != port
        self._igd.delete(given, protocol, remote_host)
        self.asked += 4

    def _some_key(self, of_known=False):
        """A key not near its end: one that is known, or any."""
        now = time.monotonic()
        keys = [key for key, lease in self.known.items() if not has_ended(lease, now)] if of_known else []
        for _ in range(10):
            key = self._random.choice(keys) if keys else (
                self._random.choice(["TCP", "UDP"]), self._random.choice(self.ports),
                self._random.choice(self._remote_hosts))
            if not is_near(self.known.get(key), now):
                return key
        return None

    def _put(self, key, action, service):
        if key is None:
            return
        protocol, port, remote_host = key
        lease = self._random.choice([0, 600, 600, 600, 3, 4])
        internal_port = ECHO if self._random.random() < 0.4 else self._random.randrange(1024, 65536)

        def put():
            return self._igd.add(port, internal_port, protocol, lease, remote_host=remote_host,
                                 description=f"{internal_port}", service=service, action=action)
        if port in self.denied:
            error = error_of(put)
            assert error == 606, (key, error)
            return
        answer = put()
        assert answer == ({"NewReservedPort": str(port)} if action == "AddAnyPortMapping" else {}), (key, answer)
        if lease == 0 and service == WAN_IP_2:
            lease = WEEK
        self.known[key] = internal_port, (time.monotonic() + lease if lease else None)

    def _add(self):
        self._put(self._some_key(), "AddPortMapping", self._random.choice([WAN_IP_1, WAN_IP_2]))

    def _renew(self):
        self._put(self._some_key(of_known=True), "AddPortMapping", self._random.choice([WAN_IP_1, WAN_IP_2]))

    def _add_any(self):
        key = self._some_key()
        if key and key[1] not in self.denied:  # of what is denied another port would be given
            self._put(key, "AddAnyPortMapping", WAN_IP_2)

    def _delete(self):
        key = self._some_key(of_known=self._random.random() < 0.9)
        if key is None:
            return
        there = not has_ended(self.known.get(key), time.monotonic())
        error = error_of(self._igd.delete, key[1], key[0], key[2], self._random.choice([WAN_IP_1, WAN_IP_2]))
        assert error == (None if there else 714), (key, self.known.get(key), error)
        self.known.pop(key, None)

    def _delete_range(self):
        first = self._random.choice(self.ports)
        last = min(first + self._random.randrange(6), self.ports[-1])
        protocol = self._random.choice(["TCP", "UDP"])
        now = time.monotonic()
        keys = [key for key in self.known if key[0] == protocol and first <= key[1] <= last]
        live = [key for key in keys if not has_ended(self.known[key], now)]
        error = error_of(self._igd.call, "DeletePortMappingRange", {
            "NewStartPort": first, "NewEndPort": last, "NewProtocol": protocol, "NewManage": 0}, WAN_IP_2)
        if not any(is_near(self.known[key], now) for key in keys):
            assert error == (None if live else 730), (protocol, first, last, live, error)
        for key in keys:
            del self.known[key]

    def _look(self):
        key = self._some_key(of_known=True)
        lease = self.known.get(key)
        if key is None or has_ended(lease, time.monotonic()):
            return
        found = self._igd.get(key[1], key[0], key[2])
        assert (found["NewInternalClient"], int(found["NewInternalPort"])) == (self.host.address, lease[0]), key
        assert (found["NewLeaseDuration"] == "0") == (lease[1] is None), (key, found)

    def _pinhole(self):
        client, now = self.host.address6, time.monotonic()
        port, protocol = self._random.choice(range(40000, 40000 + PINHOLES)), self._random.choice(["TCP", "UDP"])
        remote_host, remote_port = self._random.choice(self._remote_hosts6), self._random.choice([0, 0, 7000])
        key = client, protocol, port, remote_host, remote_port
        lease = self.pinholes.get(key)
        if is_near(lease, now):
            return
        there = not has_ended(lease, now)
        if there and self._random.random() < 0.4:
            self._igd.call("DeletePinhole", {"UniqueID": lease[0]}, FIREWALL)
            del self.pinholes[key]
            return
        seconds = self._random.choice([600, 600, 3])
        number = int(self._igd.call("AddPinhole", {
            "RemoteHost": remote_host, "RemotePort": remote_port, "InternalClient": client, "InternalPort": port,
            "Protocol": NUMBERS[protocol], "LeaseTime": seconds}, FIREWALL)["UniqueID"])
        assert not there or number == lease[0], (key, lease, number)
        self.pinholes[key] = number, time.monotonic() + seconds

    # What the checks ask.

    def listed(self):
        """(internal port, client) by key, as GetListOfPortMappings has it."""
        found = {}
        for protocol in ("TCP", "UDP"):
            try:
                listing = self._igd.call("GetListOfPortMappings", {
                    "NewStartPort": 1, "NewEndPort": 65535, "NewProtocol": protocol, "NewManage": 0,
                    "NewNumberOfPorts": 0}, WAN_IP_2)["NewPortListing"]
            except SoapFault as fault:
                assert fault.code == 730, fault
                continue
            for entry in ElementTree.fromstring(listing):
                values = {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
                found[values["NewProtocol"], int(values["NewExternalPort"]), values["NewRemoteHost"]] = (
                    values["NewInternalClient"], int(values["NewInternalPort"]))
        return found

    def address_of_gateway(self):
        """The host and port of its HTTP server."""
        host, _, port = urllib.parse.urlsplit(self._igd.location).netloc.partition(":")
        return host, int(port)

    def told_address(self):
        return self._igd.external_address()

    def deny(self, ports):
        """The policy forbids these from now on, and what there is of them is gone."""
        self.denied = ports
        self.known = {key: lease for key, lease in self.known.items() if key[1] not in ports}

    def forget(self, now):
        """What has ended for certain."""
        for leases in (self.known, self.pinholes):
            for key in [key for key, (_, end) in leases.items() if end is not None and end < now - NEAR]:
                del leases[key]
