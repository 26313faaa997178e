"""How soon a search is answered: after the start, with nothing else to do, and of a thousand a second."""

import contextlib
import selectors
import socket
import statistics
import time

import daemon
from igd_client import IGD1, find_igd, m_search
from lab import Lab
from namespace import wait_until

_SSDP = ("239.255.255.250", 1900)
_HOSTS = [f"192.168.77.{number}" for number in range(100, 200)]  # each may ask ten times a second
_EACH_A_SECOND = 10


def _searcher(host, address):
    endpoint = host.socket(type=socket.SOCK_DGRAM)
    endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
    endpoint.bind((address, 0))
    endpoint.setblocking(False)
    return endpoint


def _first_answer(lab):
    """Milliseconds from the start of the process to the first answer, searching every 5 ms."""
    upnpd = daemon.Upnpd(lab)
    begun = time.monotonic()
    upnpd.start(ready_on=None)
    with _searcher(lab.pc1, lab.pc1.address) as endpoint:
        while time.monotonic() < begun + 10:
            endpoint.sendto(m_search(IGD1), _SSDP)
            with contextlib.suppress(BlockingIOError):
                if endpoint.recv(4096):
                    return (time.monotonic() - begun) * 1000, upnpd
            time.sleep(0.005)
    raise AssertionError("no search was answered within 10 s\n" + upnpd.log())


def _searches(lab, hosts, each_a_second, seconds):
    """Latencies, in ms, of the answers to searches of MX 1 from `hosts` in turn, and how many were sent."""
    waiting, latencies, sent = {}, [], 0
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as endpoints:
        searchers = [endpoints.enter_context(_searcher(lab.pc1, host)) for host in hosts]
        for searcher in searchers:
            selector.register(searcher, selectors.EVENT_READ)
            waiting[searcher] = []
        pause = 1 / (each_a_second * len(hosts))
        begun = time.monotonic()
        while (now := time.monotonic()) < begun + seconds + 1:
            if now < begun + seconds and now >= begun + sent * pause:
                searcher = searchers[sent % len(searchers)]
                searcher.sendto(m_search(IGD1, mx=1), _SSDP)
                waiting[searcher].append(now)
                sent += 1
            for key, _ in selector.select(0 if now < begun + seconds else 0.05):
                key.fileobj.recv(4096)
                latencies.append((time.monotonic() - waiting[key.fileobj].pop(0)) * 1000)
    return latencies, sent


def measure(turns, note):
    lab = Lab()
    lab.pc1.ip("".join(f"addr add {host}/24 dev eth0\n" for host in _HOSTS))
    starts = []
    for turn in range(turns):
        note(f"start to the first answer, turn {turn + 1} of {turns}")
        first, upnpd = _first_answer(lab)
        starts.append(first)
        upnpd.stop()
    upnpd = daemon.Upnpd(lab).start()
    for host in _HOSTS:  # known to the router, as hosts are that have said anything
        lab.pc1.run("ping", "-q", "-c", "1", "-W", "1", "-I", host, "192.168.77.1")
    wait_until(lambda: find_igd(lab.pc1), 5, "upnpd answers")
    note("searches")
    alone, _ = _searches(lab, _HOSTS[:1], 5, 5)
    many, sent = _searches(lab, _HOSTS, _EACH_A_SECOND, 5)
    lab.remove()
    return {"start_ms": statistics.median(starts), "start_worst_ms": max(starts),
            "alone_p50_ms": statistics.median(alone), "alone_worst_ms": max(alone),
            "per_second": sent / 5, "answered": len(many) / sent,
            "many_p50_ms": statistics.median(many), "many_p99_ms": sorted(many)[len(many) * 99 // 100 - 1]}
