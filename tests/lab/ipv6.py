"""IPv6 for a lab, beside its IPv4, and what travels by it.

    inet1 ::10, inet2 ::20 --- 2001:db8:f::/64 --- ::1 wan [router] lan   ::1 --- 2001:db8:77::/64 --- pc1 ::10, pc2 ::20
                                                                    guest ::1 --- 2001:db8:78::/64 --- visitor ::30

The internet hosts have a route to the home, as IPv6 has it; the router lets nothing new in from the
WAN but what carries upnpd's mark.
"""

import socket

from namespace import wait_until

WAN = "2001:db8:f::"
LAN = "2001:db8:77::"
ULA = "fd00:77::"
GUEST = "2001:db8:78::"
_HOSTS = {"inet1": WAN + "10", "inet2": WAN + "20", "pc1": LAN + "10", "pc2": LAN + "20", "visitor": GUEST + "30"}


def add_ipv6(lab):
    """Gives the hosts of `lab` their IPv6 addresses, as `.address6`."""
    for host in (lab.router, lab.inet1, lab.inet2, lab.pc1, lab.pc2, lab.visitor):
        # Nobody waits a second to see whether another has its address.
        host.sysctl("net.ipv6.conf.all.accept_dad=0")
        host.sysctl("net.ipv6.conf.default.accept_dad=0")
    lab.router.sysctl("net.ipv6.conf.all.forwarding=1")
    lab.router.ip(f"addr add {WAN}1/64 dev wan nodad\naddr add {LAN}1/64 dev lan nodad\n"
                  f"addr add {ULA}1/64 dev lan nodad\naddr add {GUEST}1/64 dev guest nodad\n")
    for name, address in _HOSTS.items():
        host = getattr(lab, name)
        router = address.rpartition("::")[0] + "::1"
        host.ip(f"addr add {address}/64 dev eth0 nodad\nroute add default via {router}\n")
        host.address6 = address
    lab.nft("""table ip6 home {
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname != "wan" accept
        meta mark 0x55506e50 accept
      }
    }""")


def wait_for_addresses(lab, seconds=5):
    """Until no host wonders any more whether another has its link-local address."""
    places = [(host, "eth0") for host in (lab.pc1, lab.pc2, lab.visitor, lab.inet1)]
    for host, interface in [*places, *((lab.router, name) for name in ("wan", "lan", "guest"))]:
        wait_until(lambda: not tentative(host, interface), seconds, f"{host.name} has the addresses of {interface}")


def tentative(host, interface):
    return host.run("ip", "-6", "-o", "addr", "show", "dev", interface, "tentative").stdout


def listen6(host, port):
    listener = host.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(16)
    listener.settimeout(2)
    return listener


def tcp6_passes(host, address, port, timeout=0.5, source_port=0):
    """Whether a TCP connection from `host` is taken."""
    with host.socket(socket.AF_INET6) as connection:
        connection.settimeout(timeout)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(("::", source_port))
        try:
            connection.connect((address, port))
            return True
        except OSError:
            return False


class Udp6:
    """A UDP socket over IPv6."""

    def __init__(self, host, port=0, timeout=0.4):
        self.socket = host.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.bind(("::", port))

    def send(self, address, port, data=b"hello"):
        self.socket.sendto(data, (address, port))

    def receive(self):
        """The next datagram and its sender's address and port; None when none comes."""
        try:
            data, sender = self.socket.recvfrom(2048)
            return data, sender[0], sender[1]
        except (TimeoutError, ConnectionError):
            return None

    def drain(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(2048)
        except BlockingIOError:
            pass
        self.socket.settimeout(0.4)

    def close(self):
        self.socket.close()


def udp6_passes(host, server, address, port, source_port=0):
    """Whether a datagram from a socket of `host` reaches `server`, a Udp6."""
    server.drain()
    sender = Udp6(host, source_port)
    try:
        sender.send(address, port)
        return server.receive() is not None
    finally:
        sender.close()
