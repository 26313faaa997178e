"""Networks that come, go and change in a lab: a second WAN, cables pulled and plugged, what shows of it."""

import os
import re
import socket

from namespace import wait_until

# What the router does about its networks, it does within this.
PROMPT = 1.0

WAN2 = "198.51.100"  # RFC 5737


def promptly(predicate, what):
    return wait_until(predicate, PROMPT, what)


def add_second_wan(lab):
    """`wan2` of the router, on which inet1 has a second cable; the firewall treats it as `wan`."""
    lab.wires.ip("link add wan2 type bridge mcast_snooping 0 forward_delay 0\nlink set wan2 up\n")
    first = lab.inet1.address
    lab.plug(lab.router, "wan2", f"{WAN2}.1", "wan2")
    lab.plug(lab.inet1, "eth1", f"{WAN2}.10", "wan2")
    lab.inet1.address = first
    lab.wan2_address = f"{WAN2}.1"
    lab.nft("""flush chain ip home postrouting
    flush chain ip home forward
    table ip home {
      chain postrouting {
        oifname { "wan", "wan2" } masquerade
      }
      chain forward {
        ct state established,related accept
        iifname != { "wan", "wan2" } accept
        meta mark 0x55506e50 accept
      }
    }""")


def link_index(namespace, interface):
    return int(namespace.run("cat", f"/sys/class/net/{interface}/ifindex", check=True).stdout)


def elements(lab, set_name):
    """What a set of upnpd's table holds, as nft writes it."""
    text = lab.router.run("nft", "list", "set", "inet", "upnpd", set_name).stdout
    found = re.search(r"elements = \{([^}]*)\}", text)
    return [element.strip() for element in found.group(1).split(",")] if found else []


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kilobytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


class Alias:
    """`host` by one more address, which it is given."""

    def __init__(self, host, address):
        self._host = host
        self.address = address
        self.name = f"{host.name} as {address}"
        host.ip(f"addr add {address}/24 dev eth0\n")

    def connect(self, host, port, timeout=2.0):
        connection = self._host.socket()
        connection.settimeout(timeout)
        try:
            connection.bind((self.address, 0))
            connection.connect((host, port))
        except OSError:
            connection.close()
            raise
        return connection

    def udp(self, port=0, timeout=1.0):
        endpoint = self._host.socket(type=socket.SOCK_DGRAM)
        endpoint.settimeout(timeout)
        endpoint.bind((self.address, port))
        return endpoint

    def listen(self, port):
        return self._host.listen(port, self.address)
