"""What is measured. What is compared is measured in turns, in short slices, so that a machine that is
slow for a while is slow for all: every turn gives one ratio, and their median counts."""

import json
import os
import statistics
import time

import gateways
from gateways import FIRST_PORT, Floor, Miniupnpd, Upnpd, make_bare_map
from lab import PUBLIC_WAN, Lab
from namespace import wait_until

# upnpd serves 8 connections of one address: many come from several.
CLIENTS = [f"192.168.77.{number}" for number in range(10, 14)]
SPARE_PORT = 1500  # mapped by no full table
LARGE, FULL = 10_000, 60_000


def make_lab():
    """The home, with the same firewall whichever gateway runs in it."""
    lab = Lab(wan=PUBLIC_WAN, firewall="accepting")
    for address in CLIENTS[1:]:
        lab.pc1.ip(f"addr add {address}/24 dev eth0\n")
    # miniupnpd reads the router's TCP sockets at each add: what has ended is not to be among them.
    lab.router.sysctl("net.ipv4.tcp_max_tw_buckets=0")
    for host in (lab.pc1, lab.inet1):
        host.sysctl("net.ipv4.ip_local_port_range=1024 65535")
    lab.router.sysctl("net.netfilter.nf_conntrack_tcp_timeout_close=1")
    return lab


def tool(host, name, *arguments, timeout=320, **options):
    """Runs one of the programs on `host`; what it printed. Ends within its own --seconds."""
    argv = [os.path.join(gateways.TOOLS, name), *arguments]
    for option, value in options.items():
        argv += ["--" + option.replace("_", "-"), str(value)]
    result = host.run(*argv, timeout=timeout)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: {result.stdout}")
    return json.loads(result.stdout) if result.stdout else None


def loader(lab):
    def load(action, location, **options):
        clients = CLIENTS if options.get("connections", 1) > 8 else CLIENTS[:1]
        return tool(lab.pc1, "upnpd-load", action, gateway=location, clients=",".join(clients),
                    **options)
    return load


def median(values):
    return statistics.median(values) if values else None


def ratios(over, under):
    """Turn by turn."""
    return [a / b for a, b in zip(over, under) if a and b]


# ---- against the peer ----

def against_peer(package, rounds, large_rounds, sizes, note):
    """Adds, deletes, the external address and many connections over the size of the table; both gateways
    in the same namespaces, one after the other, the order changing from round to round. Large tables, which
    take the peer long, are there in the first rounds alone."""
    lab = make_lab()
    load = loader(lab)
    makers = [lambda: Upnpd(lab), lambda: Miniupnpd(lab, package)]
    rows = {}
    for turn in range(rounds):
        for make in makers if turn % 2 == 0 else makers[::-1]:
            gateway = make()
            note(f"{gateway.name}, round {turn + 1} of {rounds}")
            gateway.start()
            load("pairs", gateway.location, first=SPARE_PORT, requests=300, seconds=3)  # warm, either of them
            have = 0
            for size in sizes:
                if size >= LARGE and turn >= large_rounds:
                    continue
                gateway.fill(load, size, have)
                have = size
                for name, value in _measure_at(gateway, load, size, turn).items():
                    rows.setdefault((name, size), {}).setdefault(gateway.name, []).append(value)
            gateway.stop()
    lab.remove()
    return [_peer_row(name, size, values) for (name, size), values in rows.items()]


def _measure_at(gateway, load, size, turn):
    seconds = 3 if size <= 1000 else 8
    pairs = load("pairs", gateway.location, first=SPARE_PORT, requests=600, seconds=seconds)
    many = load("pairs", gateway.location, first=SPARE_PORT, requests=100_000, seconds=seconds,
                connections=16)
    external = load("external", gateway.location, requests=1000, seconds=3)
    values = {
        "AddPortMapping p50 (us)": pairs["p50"],
        "AddPortMapping p99 (us)": pairs["p99"],
        "DeletePortMapping p50 (us)": pairs["deletes"]["p50"],
        "16 connections: add+delete pairs a second": many["deletes"]["per_second"],
        "GetExternalIPAddress p50 (us)": external["p50"],
        "faults": sum(sum(r["faults"].values()) for r in (pairs, many, external)),
    }
    if size >= 1000 and turn == 0:
        values["GetGenericPortMappingEntry, all (s)"] = _walk(gateway, load, size, "close")
        values["GetGenericPortMappingEntry, all, kept (s)"] = _walk(gateway, load, size, "keep-alive")
    return values


def _walk(gateway, load, size, connection):
    """Seconds, of a client that keeps its connection where the gateway does, or of one that does not."""
    walk = load("generic", gateway.location, first=0, range=size + 1, requests=size + 1, seconds=300, until="fault",
                connection=connection)
    assert walk["count"] == size + 1, f"the walk ended after {walk['count']} of {size} entries"
    return walk["seconds"]


def _peer_row(name, size, values):
    ours, theirs = values.get("upnpd", []), values.get("miniupnpd", [])
    return {"what": name, "mappings": size, "upnpd": median(ours), "miniupnpd": median(theirs),
            "ratio": median(ratios(ours, theirs)), "ratios": ratios(ours, theirs)}


# ---- own cost over the table ----

ACTIONS = {"AddPortMapping": ("pairs", {"first": SPARE_PORT}),
           "DeletePortMapping": ("pairs", {"first": SPARE_PORT}),
           "AddPortMapping, a renewal": ("add", {"first": FIRST_PORT}),
           "GetSpecificPortMappingEntry": ("specific", {"first": FIRST_PORT}),
           "GetGenericPortMappingEntry": ("generic", {"first": 0})}


def processor_time(pids):
    """Microseconds that these processes have run: what a loaded machine does not change much."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as schedstat:
            total += int(schedstat.read().split()[0]) / 1000
    return total


def own_cost(sizes, turns, note):
    """p50 and processor time of each action; a gateway and a lab for each size, all there at once. The
    first size is what the others are compared with; it is there twice: a ratio of 1, as it looks."""
    homes = []
    for size in (sizes[0], *sizes):
        lab = make_lab()
        gateway = Upnpd(lab).start()
        gateway.fill(loader(lab), size)
        homes.append((lab, gateway, loader(lab), size))
    rows = {}
    for turn in range(turns):
        note(f"own cost, turn {turn + 1} of {turns}")
        for name in ACTIONS:
            order = range(len(homes)) if turn % 2 == 0 else reversed(range(len(homes)))
            for place in order:
                p50, processor = _cost_of(name, *homes[place][1:])
                row = rows.setdefault(name, {"p50": [[] for _ in homes], "cpu": [[] for _ in homes]})
                row["p50"][place].append(p50)
                row["cpu"][place].append(processor)
    for lab, *_ in homes:
        lab.remove()
    return [{"what": name, **{kind: _over_sizes(sizes, row[kind]) for kind in row}}
            for name, row in rows.items()]


def _cost_of(name, gateway, load, size):
    action, options = ACTIONS[name]
    if action != "pairs":
        options = {**options, "range": size, "stride": 7919}
    pids = gateway.daemon.pids()
    before = processor_time(pids)
    result = load(action, gateway.location, requests=400, seconds=10, **options)
    assert not result["faults"], result
    part = result["deletes"] if name == "DeletePortMapping" else result
    return part["p50"], (processor_time(pids) - before) / 400


def _over_sizes(sizes, values):
    """`values` are those of the first size, and then of each size; lists of turns."""
    again, first, *others = values
    names = [str(size) for size in sizes]
    return {"median": dict(zip(names, map(median, values[1:]))),
            "ratio": {n: median(ratios(v, first)) for n, v in zip(names[1:], others)},
            "same_again": median(ratios(again, first))}


# ---- beside the floors ----

FLOORS = ("http", "both", "apart")


def beside_floors(turns, note):
    """Adds a second of one connection and of 16, and what libmicrohttpd gives beside them: with a fixed answer,
    after one element of a map, and when another process adds it."""
    lab = make_lab()
    load = loader(lab)
    gateway = Upnpd(lab).start()
    floors = [Floor(lab, kind, seconds=900) for kind in FLOORS]
    rows = []
    for connections, connection, adds in ((1, "close", 2000), (1, "keep-alive", 5000),
                                          (16, "close", 6000), (16, "keep-alive", 20000)):
        found = {name: [] for name in ("upnpd", *FLOORS, "p50", "worst")}
        faults = {}
        for turn in range(turns):
            note(f"beside the floors, {connections} connections, {connection}, turn {turn + 1} of {turns}")
            of_all = {"connections": connections, "connection": connection}
            for floor in floors:
                answers = load("add", floor.location, range=60_000, requests=200_000, seconds=1, **of_all)
                found[floor.name].append(answers["per_second"])
            options = {"first": FIRST_PORT, "range": adds, "requests": adds, "seconds": 60, **of_all}
            added = load("add", gateway.location, **options)
            load("delete", gateway.location, **options)
            time.sleep(0.3)  # the flows of what has gone are looked for
            found["upnpd"].append(added["per_second"])
            found["p50"].append(added["p50"])
            found["worst"].append(added["max"] / added["p50"])
            for fault, count in added["faults"].items():
                faults[fault] = faults.get(fault, 0) + count
        rows.append({"connections": connections, "connection": connection, "upnpd": median(found["upnpd"]),
                     **{kind: median(found[kind]) for kind in FLOORS},
                     **{f"ratio_{kind}": median(ratios(found["upnpd"], found[kind])) for kind in FLOORS},
                     "p50": median(found["p50"]), "worst_over_p50": median(found["worst"]),
                     "worst_of_all": max(found["worst"]), "faults": faults})
    lab.remove()
    return rows


def floors(note):
    """What the libraries and the kernel cost by themselves."""
    note("floors")
    lab = make_lab()
    load = loader(lab)
    rows = []

    def row(what, result, per=1):
        rows.append({"what": what, "p50": result["p50"] / per, "per_second": result["per_second"] * per})
    for what, options in (("one element a transaction", {"requests": 20_000}),
                          ("the same, after a pause of 1 ms", {"requests": 1000, "pause_us": 1000}),
                          ("one of 100 elements of a transaction", {"requests": 500, "batch": 100})):
        make_bare_map(lab)
        row("nft map: " + what, tool(lab.router, "upnpd-floor", "map", map="bare", **options),
            options.get("batch", 1))
    for kind, name in (("http", "fixed HTTP answer"), ("both", "HTTP answer after one element"),
                       ("apart", "HTTP answer after one element by another process")):
        floor = Floor(lab, kind, seconds=120)
        for connections in (1, 16):
            for connection in ("close", "keep-alive"):
                row(f"{name}: {connections} connections, {connection}",
                    load("add", floor.location, range=60_000, requests=100_000, seconds=2,
                         connections=connections, connection=connection))
        floor.stop()
    lab.remove()
    return rows


# ---- long lists ----

def listing(turns, note):
    """A walk by index over tables of several sizes, and the whole table in one reply."""
    lab = make_lab()
    load = loader(lab)
    gateway = Upnpd(lab).start()
    rows, have = [], 0
    for size in (1000, LARGE, FULL):
        note(f"walks over {size} entries")
        gateway.fill(load, size, have)
        have = size
        walks, lists = [], []
        for _ in range(turns):
            walk = load("generic", gateway.location, first=0, range=size + 1, requests=size + 1,
                        seconds=300, until="fault")
            assert walk["count"] == size + 1, walk
            walks.append(walk["seconds"])
            answer = load("list", gateway.location2, requests=1, seconds=20)
            assert not answer["faults"], answer
            lists.append(answer["p50"] / 1000)
        rows.append({"mappings": size, "walk_s": median(walks),
                     "walk_us_an_entry": median(walks) / size * 1e6, "list_ms": median(lists)})
    lab.remove()
    return rows


# ---- packets ----

def packets(package, turns, note):
    """New TCP connections, and datagrams of one flow, a second through the last mapping of each table."""
    homes = {"upnpd, 1 mapping": (Upnpd, 1), "upnpd, the same again": (Upnpd, 1),
             f"upnpd, {LARGE} mappings": (Upnpd, LARGE)}
    if package:
        homes[f"miniupnpd, {LARGE} mappings"] = (lambda lab: Miniupnpd(lab, package), LARGE)
    routes, labs = {}, []
    for name, (make, size) in homes.items():
        note(f"packets: {name}")
        lab = make_lab()
        labs.append(lab)
        gateway = make(lab).start()
        gateway.fill(loader(lab), size)
        if isinstance(gateway, Upnpd):
            loader(lab)("add", gateway.location, first=SPARE_PORT, requests=1)
        port = SPARE_PORT if isinstance(gateway, Upnpd) else FIRST_PORT + size - 1
        _open_udp(lab, gateway, port)
        lab.pc1.start(os.path.join(gateways.TOOLS, "upnpd-traffic"), "sink", "--port", str(port),
                      "--seconds", "900")
        routes[name] = (lab.inet1, f"{lab.wan_address}:{port}")
        wait_until(lambda: tool(lab.inet1, "upnpd-traffic", "tcp", to=routes[name][1],
                                seconds=1)["count"], 20, f"packets pass: {name}")
    rows = []
    for kind, options in (("tcp", {}), ("udp", {"window": 32})):
        found = {name: [] for name in routes}
        lost = 0
        for turn in range(turns):
            note(f"packets, {kind}, turn {turn + 1} of {turns}")
            for name in list(routes) if turn % 2 == 0 else reversed(list(routes)):
                host, to = routes[name]
                result = tool(host, "upnpd-traffic", kind, to=to, seconds=1, **options)
                found[name].append(result["per_second"])
                lost += result["lost"]
        first = found["upnpd, 1 mapping"]
        rows += [{"kind": kind, "through": name, "per_second": median(values),
                  "ratio": median(ratios(values, first)), "lost": lost}
                 for name, values in found.items()]
    for lab in labs:
        lab.remove()
    return rows


def _open_udp(lab, gateway, port):
    """The same port for datagrams: upnpd-load speaks of TCP alone."""
    from igd_client import Igd
    Igd(lab.pc1, gateway.location).add(port, protocol="UDP")


# ---- memory and waking up ----

def _private_dirty(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            total += sum(int(line.split()[1]) for line in rollup if line.startswith("Private_Dirty:"))
    return total * 1024


def _switches(pid):
    """Voluntary context switches of each thread: how often it has slept."""
    counts = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as status:
            counts[thread] = next(int(line.split()[1]) for line in status
                                  if line.startswith("voluntary_ctxt_switches"))
    return sum(counts.values())


def memory(seconds, note):
    """Idle after the start, with tables, and how often each process wakes up in `seconds`."""
    lab = make_lab()
    load = loader(lab)
    gateway = Upnpd(lab).start()
    time.sleep(12)  # connections of the start have ended by then
    pids = gateway.daemon.pids()
    names = [" ".join(open(f"/proc/{pid}/cmdline").read().split("\0")[:3]).rpartition("/")[2]
             for pid in pids]
    idle = {name: _private_dirty([pid]) for name, pid in zip(names, pids)}
    note(f"waiting {seconds} s for nothing to happen")
    before = [_switches(pid) for pid in pids]
    time.sleep(seconds)
    awake = {name: _switches(pid) - then for name, pid, then in zip(names, pids, before)}
    rows, have = [], 0
    for size in (0, LARGE, FULL):
        gateway.fill(load, size, have)
        have = size
        time.sleep(2)
        total = _private_dirty(pids)
        rows.append({"mappings": size, "bytes": total,
                     "per_mapping": (total - rows[0]["bytes"]) / size if size else None})
    lab.remove()
    return {"idle": idle, "seconds": seconds, "wakeups": awake, "tables": rows}
