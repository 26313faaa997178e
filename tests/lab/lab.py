"""A home in network namespaces, with the internet before its door.

    inet1 .10, inet2 .20 --- WAN x.y.z.0/24 --- .1 wan [router] lan   .1 --- 192.168.77.0/24 --- pc1 .10, pc2 .20
                                                                guest .1 --- 192.168.78.0/24 --- visitor .30

Every wire is a bridge in a namespace of its own, `wires`. The router forwards, masquerades on `wan`,
and, with the firewall "dropping", lets nothing new in from the WAN but what carries upnpd's mark:
what fw4 does on OpenWrt. The internet hosts have no route to the home.
"""

import atexit
import itertools
import os
import shutil
import tempfile

from namespace import Namespace

DOCUMENTATION_WAN = "203.0.113"  # RFC 5737
# Clients of miniupnpc's family ask for nothing when the WAN address is reserved. This one looks
# public and exists in the namespaces alone.
PUBLIC_WAN = "11.22.33"

_MARK = "0x55506e50"
_FIREWALL = {
    "accepting": "",
    "dropping": f"""
      chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname != "wan" accept
        meta mark {_MARK} accept comment "upnpd: mapped or pinholed"
      }}""",
}
_numbers = itertools.count(1)


class Lab:
    """The home. `directory` is a temporary one for what programs of this lab keep on disk."""

    def __init__(self, wan=DOCUMENTATION_WAN, firewall="dropping"):
        self._namespaces = []
        self._closers = []
        atexit.register(self.remove)
        self.directory = tempfile.mkdtemp(prefix="upnpd-lab-")
        os.chmod(self.directory, 0o755)
        try:
            self._build(f"upnpd{os.getpid()}-{next(_numbers)}", wan, firewall)
        except BaseException:
            self.remove()
            raise

    def _build(self, prefix, wan, firewall):
        names = ("wires", "router", "inet1", "inet2", "pc1", "pc2", "visitor")
        for name in names:
            namespace = Namespace(f"{prefix}-{name}")
            # Known to remove() before it exists: an interrupt in between leaves nothing.
            self._namespaces.append(namespace)
            namespace.create()
            setattr(self, name, namespace)
        for bridge in ("wan", "lan", "guest"):
            self.wires.ip(f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0\n"
                          f"link set {bridge} up\n")
        self.wan_address = f"{wan}.1"
        self.lan_address = "192.168.77.1"
        self.guest_address = "192.168.78.1"
        self.plug(self.router, "wan", self.wan_address, "wan")
        self.plug(self.router, "lan", self.lan_address, "lan")
        self.plug(self.router, "guest", self.guest_address, "guest")
        self.plug(self.inet1, "eth0", f"{wan}.10", "wan")
        self.plug(self.inet2, "eth0", f"{wan}.20", "wan")
        self.plug(self.pc1, "eth0", "192.168.77.10", "lan", gateway=self.lan_address)
        self.plug(self.pc2, "eth0", "192.168.77.20", "lan", gateway=self.lan_address)
        self.plug(self.visitor, "eth0", "192.168.78.30", "guest", gateway=self.guest_address)
        self.router.ip(f"route add default via {wan}.10\n")
        self.router.sysctl("net.ipv4.ip_forward=1")
        self.nft(f"""table ip home {{
          chain postrouting {{
            type nat hook postrouting priority srcnat;
            oifname "wan" masquerade
          }}{_FIREWALL[firewall]}
        }}""")

    def plug(self, namespace, interface, address, bridge, gateway=None):
        """A cable from `namespace` to `bridge`. A host's `address` is that of its last cable."""
        port = f"{namespace.name.rpartition('-')[2]}.{interface}"[:15]
        self.wires.ip(f"link add {port} type veth peer name {interface} netns {namespace.name}\n"
                      f"link set {port} master {bridge} up\n")
        namespace.ip(f"addr add {address}/24 brd + dev {interface}\nlink set {interface} up\n"
                     + (f"route add default via {gateway}\n" if gateway else ""))
        namespace.address = address

    def nft(self, commands):
        """Feeds `commands` to nft in the router."""
        result = self.router.run("nft", "-f", "-", input=commands)
        assert result.returncode == 0, result.stdout

    def table(self, family="inet", name="upnpd"):
        """What nft says of a table of the router, "" when there is none."""
        result = self.router.run("nft", "-s", "list", "table", family, name)
        return result.stdout if result.returncode == 0 else ""

    def at_end(self, close):
        """Has `close()` called when the lab goes, last given first."""
        self._closers.append(close)

    def remove(self):
        """Stops what the lab started and takes it away. Can be called twice."""
        while self._closers:
            self._closers.pop()()
        while self._namespaces:
            self._namespaces.pop().remove()
        shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self.remove)
