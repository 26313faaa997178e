"""Hosts of two LANs add, renew and delete mappings and pinholes at random, while processes fall, others
change the table, networks come and go and the configuration is read again; after each step what every
host was told, the table, the kernel and the journal agree, packets pass where they must and nowhere else.

    sudo /usr/bin/python3 -B tests/soak/soak.py [--seconds 120] [--seed N]

In the first part the gateway falls too, in the second its children, in the third none: what lives on then
must hold no more memory and no more descriptors at its end than at its beginning.
"""

import collections
import concurrent.futures
import contextlib
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))

import daemon  # noqa: E402
import faults  # noqa: E402
from by_hand import run_by_hand  # noqa: E402
from footprint import Footprint  # noqa: E402
from gena import Subscriber  # noqa: E402
from household import ECHO, NEAR, Household, has_ended, is_near  # noqa: E402
from igd_client import WAN_IP_1, find_igd  # noqa: E402
from ipv6 import add_ipv6  # noqa: E402
from sanitized import SANITIZED  # noqa: E402
from traffic import UdpEcho, udp_passes  # noqa: E402
from views import (difference, journal_mappings, journal_pinholes, kernel_mappings, kernel_pinholes,  # noqa: E402
                   kernel_table)

# Where the parts of a run end.
FIRST, SECOND = 0.25, 0.55
HEALED_WITHIN = 1.0
DENIED = 8  # ports of each host, while the policy forbids some


class Home:
    """The lab with its upnpd and its hosts, and how it must be."""

    def __init__(self, lab, seed):
        self.lab, self.denies, self.wan_addresses = lab, False, [lab.wan_address]
        self.upnpd = daemon.Upnpd(lab, table_owner="no", listening_ip=["lan", "guest"])
        with open(self.upnpd.config) as config:
            self._lines = config.read().splitlines()
        self.households = [Household(host, number, lab, seed)
                           for number, host in enumerate([lab.pc1, lab.pc2, lab.visitor])]
        self._random = random.Random(seed)

    def start(self):
        self.upnpd.start()
        self.find_again()

    def find_again(self):
        for household in self.households:
            household.find(faults.NOTICED_WITHIN + 1)

    # What the faults change.

    def set_wan(self, addresses):
        self.lab.router.ip("addr flush dev wan\n" + "".join(
            f"addr add {address}/{32 if position else 24} brd + dev wan\n"
            for position, address in enumerate(addresses))
            + (f"route replace default via {self.lab.inet1.address}\n" if addresses else ""))
        for host in (self.lab.inet1, self.lab.inet2):
            host.ip("neigh flush dev eth0\n")
        self.wan_addresses = addresses

    def deny(self, denies):
        self.denies = denies
        for household in self.households:
            household.deny(household.ports[:DENIED] if denies else range(0))
        self._configure()

    def _configure(self, *more):
        denied = [f"deny {household.ports[0]}-{household.ports[DENIED - 1]} 0.0.0.0/0 0-65535"
                  for household in self.households] if self.denies else []
        self.upnpd.configure([*denied, *more, *self._lines])

    @contextlib.contextmanager
    def spoilt_configuration(self):
        self._configure("listening_ip=")
        yield
        self._configure()

    # How it is.

    def check(self):
        """Within a second, everything is as it must be."""
        deadline = time.monotonic() + HEALED_WITHIN
        while wrong := self._wrong():
            assert time.monotonic() < deadline, "\n".join(map(str, wrong)) + "\n" + self.upnpd.log()[-3000:]
            time.sleep(0.05)

    def _wrong(self):
        """What each view has otherwise than the hosts know it; leases about to end may be seen or not."""
        asked = time.monotonic()
        mappings = {(m["protocol"], m["external_port"], m["remote_host"]): m for m in self.upnpd.mappings()}
        pinholes = {(p["client"], p["protocol"], p["internal_port"], p["remote_host"], p["remote_port"] or 0): p
                    for p in self.upnpd.admin_json("list", "pinholes")["pinholes"]}
        kernel, places6 = kernel_mappings(self.lab), kernel_pinholes(self.lab)
        sets = kernel_table(self.lab, "mapped_clients", "external_addresses")
        journal, journal6 = journal_mappings(self.upnpd.lease_file), journal_pinholes(self.upnpd.lease_file)
        soap = {key: place for household in self.households for key, place in household.listed().items()}
        told = {household.told_address() for household in self.households}
        now = time.monotonic()
        for household in self.households:
            household.forget(asked)
        wanted = {key: (h.host.address, *lease) for h in self.households for key, lease in h.known.items()}
        wanted6 = {key: lease for h in self.households for key, lease in h.pinholes.items()}
        near = {key for key, (_, *lease) in wanted.items() if is_near(lease, asked, now)}
        near6 = {key for key, lease in wanted6.items() if is_near(lease, asked, now)}

        def far(contents, value=lambda v: v, near=near):
            return {key: value(what) for key, what in contents.items() if key not in near}

        def far6(contents, value=lambda v: v):
            return far(contents, value, near6)
        places = far(wanted, lambda lease: lease[:2])
        ids6 = far6(wanted6, lambda lease: lease[0])
        views = {
            "the table": (places, far(mappings, lambda m: (m["client"], m["internal_port"]))),
            "the kernel": (places, far(kernel)),
            "the journal": (places, far(journal, lambda line: line[0])),
            "the journal's ids": (far(mappings, lambda m: (m["id"], m["description"])),
                                  far(journal, lambda line: line[1:])),
            "SOAP": (places, far(soap)),
            "pinholes": (ids6, far6(pinholes, lambda p: p["id"])),
            "the kernel's pinholes": (dict.fromkeys(ids6), far6(dict.fromkeys(places6))),
            "the journal's pinholes": (ids6, far6(journal6)),
            "the kernel's WAN addresses": (dict.fromkeys((a,) for a in self.wan_addresses), sets["external_addresses"]),
            "the address told": ({"": {(self.wan_addresses or [""])[0]}}, {"": told}),
        }
        wrong = [f"{name}: {difference(*two)} (what it must be, what it is)" for name, two in views.items()
                 if two[0] != two[1]]
        clients = {(client, key[0].lower(), port) for key, (client, port, _) in wanted.items()}
        certain = {(client, key[0].lower(), port) for key, (client, port) in places.items()}
        if not certain <= sets["mapped_clients"].keys() <= clients:
            wrong.append(f"mapped clients: {certain ^ sets['mapped_clients'].keys()}")
        return wrong + [f"lease of {key}: {mappings[key]['expires_in']}, not {lease[1] - now if lease[1] else None}"
                        for key, (_, *lease) in wanted.items()
                        if key not in near and key in mappings
                        and not self._fits(lease[1], mappings[key]["expires_in"], asked, now)]

    @staticmethod
    def _fits(end, left, asked, now):
        if end is None or left is None:
            return end == left
        # Whole seconds, rounded up; the end is known as late as the answer came.
        return end - now - NEAR < left < end - asked + 1.1

    def try_packets(self):
        """A datagram to one of the mappings, and one to a port that nobody has."""
        if not self.wan_addresses:
            return
        now, inet1 = time.monotonic(), self.lab.inet1
        address = self._random.choice(self.wan_addresses)
        known = {key: lease for household in self.households for key, lease in household.known.items()}

        def leads_to_echo(key):
            return known[key][0] == ECHO and not has_ended(known[key], now) and not is_near(known[key], now)
        open_ports = [key[1] for key in known if key[0] == "UDP" and key[2] in ("", inet1.address)
                      and leads_to_echo(key) and known.get(("UDP", key[1], inet1.address), known[key])[0] == ECHO]
        taken = {key[1] for key in known}
        if open_ports:
            port = self._random.choice(open_ports)
            assert udp_passes(inet1, address, port, timeout=1), f"{address} {port}\n{self.lab.table()}"
        port = self._random.choice([p for h in self.households for p in h.ports if p not in taken])
        assert not udp_passes(inet1, address, port, timeout=0.1), f"{address} {port} is open"


class Deck:
    """Faults in a random order, those of the run's part before the others, each once before any comes again,
    and as soon as its time allows."""

    def __init__(self, chance):
        self._random, self._part, self._left = chance, None, []
        self._last = collections.defaultdict(lambda: -60.0)
        self.drawn = collections.Counter()

    def draw(self, part, others):
        """The next one, and what to call when it is over; None when none may come yet."""
        if self._part != part or not self._left:
            self._left = self._random.sample(part, len(part)) + self._random.sample(others, len(others))
            self._part = part
        for kind in self._left:
            group, pause = self._group(kind)
            if time.monotonic() - self._last[group] >= pause:
                self._left.remove(kind)
                self.drawn[kind.__name__] += 1
                return kind, lambda: self._last.update({group: time.monotonic()})
        return None, None

    @staticmethod
    def _group(kind):
        if kind in faults.DAMAGES:
            return "damage", faults.BETWEEN_DAMAGES
        if kind in faults.CHILDREN:
            return kind.__name__.rpartition("_")[2], faults.BETWEEN_FALLS
        return kind.__name__, 0


def step(home, threads, chance):
    """Every host asks at once, then one of them for what is another's."""
    for asked in [threads.submit(household.ask, chance.randrange(2, 12)) for household in home.households]:
        asked.result()
    thief, victim = chance.sample(home.households, 2)
    if chance.random() < 0.3:
        thief.trespass(victim)


def run(lab, seconds, seed, say=print):
    """Returns what was done and how the processes lived."""
    add_ipv6(lab)
    home, chance, footprint = Home(lab, seed), random.Random(seed), Footprint()
    deck, steps, subscriber = Deck(chance), 0, None
    echoes = [UdpEcho(household.host, ECHO) for household in home.households]
    threads = concurrent.futures.ThreadPoolExecutor(len(home.households))
    home.start()
    begun = time.monotonic()
    try:
        while (share := (time.monotonic() - begun) / seconds) < 1:
            part = faults.LIFE if share < FIRST else faults.CHILDREN if share < SECOND else []
            step(home, threads, chance)
            kind, done = (deck.draw(part, faults.DAMAGES + faults.SURROUNDINGS) if chance.random() < 0.7
                          else (None, None))
            name = kind.__name__ if kind else "requests"
            try:
                if kind:
                    kind(home)
                    done()
                home.check()
                home.try_packets()
            except Exception as error:
                raise AssertionError(f"step {steps + 1} at {time.monotonic() - begun:.1f} s, after {name}: "
                                     f"{error}") from error
            if share >= SECOND and not subscriber:
                subscriber = Subscriber(find_igd(lab.pc1), WAN_IP_1)
            footprint.look(home.upnpd.status()["processes"])
            steps += 1
            if kind:
                say(f"{time.monotonic() - begun:6.1f} s: step {steps}, {name}: "
                    f"{sum(len(h.known) for h in home.households)} mappings, "
                    f"{sum(len(h.pinholes) for h in home.households)} pinholes agree")
        numbers = [subscriber.events.get_nowait()[0] for _ in range(subscriber.events.qsize())] if subscriber else []
        assert numbers == list(range(len(numbers))), f"events were lost: {numbers}"
    finally:
        threads.shutdown()
        for open_thing in [*echoes, *([subscriber] if subscriber else [])]:
            open_thing.close()
        home.upnpd.discard()
    if not SANITIZED:  # what is freed is kept there
        assert footprint.growth() == [], footprint.growth()
    return {"steps": steps, "asked": sum(household.asked for household in home.households), "events": len(numbers),
            "faults": dict(deck.drawn), "lives": footprint.lives()}


def main():
    seen = run_by_hand(__doc__, run, "seconds", 120.0)
    print(f"{seen['steps']} steps, {seen['asked']} requests, {seen['events']} events, faults: "
          + ", ".join(f"{name} {count}" for name, count in sorted(seen["faults"].items())))
    for role, life in sorted(seen["lives"].items()):
        print(f"{role}: lived {life['seconds']:.0f} s; private memory {life['kilobytes'][0]:.0f} then "
              f"{life['kilobytes'][1]:.0f} kB, descriptors {life['files'][0]:.0f} then {life['files'][1]:.0f}")


if __name__ == "__main__":
    main()
