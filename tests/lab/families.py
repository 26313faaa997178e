"""IPv4 and IPv6 as a test sees them that mounts the same attack over both: who has which address, and the gateway
by it. Needs add_ipv6() in the lab."""

import socket

from igd6_client import LINK_GROUP, SITE_GROUP, igd_of, search
from igd_client import IGD1, SSDP, find_igd, ssdp_answers
from ipv6 import GUEST, LAN, WAN, listen6


class Ipv4:
    name = "IPv4"
    family = socket.AF_INET
    groups = (SSDP[0],)
    stranger = "10.99.99.9/32"  # an address on the LAN's wire that is not of the LAN
    aliases = tuple(f"192.168.77.{number}" for number in range(100, 200))
    prefix_length = 24

    def of(self, host):
        return host.address

    def routers(self, lab, interface):
        return {"wan": lab.wan_address, "lan": lab.lan_address, "guest": lab.guest_address}[interface]

    def literal(self, address):
        return address

    def igd(self, host):
        return find_igd(host)

    def search(self, host, to, target, timeout=0.3):
        return ssdp_answers(host, target, timeout, to=(to, 1900), first_only=True)

    def listen(self, host):
        return host.listen(0)


class Ipv6:
    name = "IPv6"
    family = socket.AF_INET6
    groups = (LINK_GROUP, SITE_GROUP)
    stranger = "2001:db8:99::9/128"
    aliases = tuple(f"{LAN}1{number:02x}" for number in range(100))
    prefix_length = 64

    def of(self, host):
        return host.address6

    def routers(self, lab, interface):
        return {"wan": WAN, "lan": LAN, "guest": GUEST}[interface] + "1"

    def literal(self, address):
        return f"[{address}]"

    def igd(self, host):
        return igd_of(host, target=IGD1)

    def search(self, host, to, target, timeout=0.3):
        return search(host, to, target, timeout=timeout)

    def listen(self, host):
        return listen6(host, 0)


FAMILIES = (Ipv4(), Ipv6())


def connection(net, host, to, port, source=None, timeout=2.0):
    """A connected TCP socket, or the OSError."""
    endpoint = host.socket(net.family)
    endpoint.settimeout(timeout)
    try:
        if source:
            endpoint.bind((source, 0))
        endpoint.connect((to, port))
    except OSError:
        endpoint.close()
        raise
    return endpoint


def give_aliases(net, host, count):
    """More addresses of the LAN for one host, which it has at once and uses when it names them."""
    aliases = net.aliases[:count]
    options = "nodad preferred_lft 0" if net.family == socket.AF_INET6 else ""
    host.ip("".join(f"addr add {alias}/{net.prefix_length} dev eth0 {options}\n" for alias in aliases))
    return aliases
