"""A control point over IPv6: searches, descriptions and SOAP calls, with link-local addresses and their zones."""

import re
import socket
import time

from igd_client import IGD1, IGD2, Igd, m_search
from igd_client import _headers as headers_of

LINK_GROUP, SITE_GROUP = "ff02::c", "ff05::c"


def link_local_of(host, interface):
    out = host.run("ip", "-6", "-o", "addr", "show", "dev", interface, "scope", "link").stdout
    return re.search(r"inet6 (fe80::[0-9a-f:]+)/", out).group(1)


def index_of(host, interface="eth0"):
    with host.entered():
        return socket.if_nametoindex(interface)


def search(host, to, target=IGD1, source="::", timeout=1.0, first_only=True, interface="eth0"):
    """Searches over IPv6 from `host`; the answers' headers."""
    index, answers = index_of(host, interface), []
    scope = index if to.startswith(("fe80", "ff")) else 0
    with host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        endpoint.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 4)
        endpoint.bind((source, 0, 0, index if source.startswith("fe80") else 0))
        try:
            endpoint.sendto(m_search(target).replace(b"239.255.255.250", b"[FF02::C]"), (to, 1900, 0, scope))
        except OSError:
            return answers
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and not (first_only and answers):
            endpoint.settimeout(left)
            try:
                answers.append(headers_of(endpoint.recv(4096)))
            except (TimeoutError, ConnectionError):
                pass
    return answers


def location(host, to, **options):
    answers = search(host, to, **options)
    assert answers, f"no answer to {to}"
    return answers[0]["LOCATION"]


class Igd6(Igd):
    """The gateway over IPv6; a link-local address gets the host's own zone."""

    def http(self, method, url, headers=None, body=None, timeout=5.0, source="::"):
        address, port, path = re.match(r"http://\[([^\]]+)\]:(\d+)(/.*)", url).groups()
        scope = index_of(self.host) if address.startswith("fe80") else 0
        lines = {"Host": f"[{address}]:{port}", "Connection": "close", **(headers or {})}
        if body is not None:
            lines["Content-Length"] = len(body)
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items())
        with self.host.socket(socket.AF_INET6) as connection:
            connection.settimeout(timeout)
            connection.bind((source, 0))
            connection.connect((address, int(port), 0, scope))
            connection.sendall(head.encode() + b"\r\n" + (body or b""))
            answer = b""
            while part := connection.recv(65536):
                answer += part
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head:
            raise OSError("no answer")
        return int(head.split()[1]), headers_of(head + b"\r\n"), rest


def igd_of(host, to=SITE_GROUP, target=IGD2):
    return Igd6(host, location(host, to, target=target))
