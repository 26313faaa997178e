"""The gateways that are measured, each in the router of a lab: upnpd, miniupnpd, and the floor, which
answers with nothing of upnpd behind it."""

import glob
import os
import subprocess

import daemon
from igd_client import IGD2, find_igd
from namespace import wait_until

TOOLS = None  # the directory of upnpd-load, upnpd-traffic and upnpd-floor
ROOM = {"max_mappings": 65535, "max_mappings_per_host": 65535, "max_requests_per_second": 0}
FIRST_PORT = 2000
_PEER = "miniupnpd-nftables"


class Upnpd:
    name = "upnpd"

    def __init__(self, lab):
        self._lab = lab
        self.daemon = daemon.Upnpd(lab, **ROOM)

    def start(self):
        self.daemon.start()
        self.location = find_igd(self._lab.pc1).location
        self.location2 = find_igd(self._lab.pc1, IGD2).location
        return self

    def fill(self, load, size, have=0):
        """Adds mappings by SOAP until there are `size`."""
        fill_by_soap(load, self.location, size, have)

    def stop(self):
        self.daemon.discard()


def fill_by_soap(load, location, size, have=0):
    if size <= have:
        return
    # All to one client: whoever lists them by index sees his own alone.
    result = load("add", location, first=FIRST_PORT + have, range=size - have, requests=size - have,
                  connections=4, connection="keep-alive", seconds=120)
    if result["count"] != size - have or result["faults"]:
        raise AssertionError(f"the table is not full: {result}")


class Miniupnpd:
    """Debian's package, unpacked beside the build: installed it would become a service of this machine.
    Its own nft scripts make its chains; the functions file they source is not in the package."""

    name = "miniupnpd"
    _FUNCTIONS = "\n".join((
        "NFT=nft", "TABLE=filter", "NAT_TABLE=filter", "CHAIN=miniupnpd",
        "PREROUTING_CHAIN=prerouting_miniupnpd", "POSTROUTING_CHAIN=postrouting_miniupnpd", ""))

    def __init__(self, lab, package):
        self._lab = lab
        self._package = package
        self._scripts = os.path.join(lab.directory, "miniupnpd")
        self._pid_file = os.path.join(lab.directory, "miniupnpd.pid")
        subprocess.run(["cp", "-r", os.path.join(package, "etc/miniupnpd"), self._scripts], check=True)
        with open(os.path.join(self._scripts, "miniupnpd_functions.sh"), "w") as functions:
            functions.write(self._FUNCTIONS)
        with open(os.path.join(self._scripts, "miniupnpd.conf"), "w") as config:
            config.write(
                f"ext_ifname=wan\next_ip={lab.wan_address}\nlistening_ip=lan\nhttp_port=5555\n"
                "enable_natpmp=no\nenable_upnp=yes\nsecure_mode=yes\nsystem_uptime=yes\n"
                "upnp_table_name=filter\nupnp_nat_table_name=filter\nupnp_forward_chain=miniupnpd\n"
                "upnp_nat_chain=prerouting_miniupnpd\n"
                "upnp_nat_postrouting_chain=postrouting_miniupnpd\n"
                f"uuid={daemon.UUID}\nallow 1024-65535 0.0.0.0/0 1024-65535\n")
        lab.at_end(self.stop)

    def start(self):
        self._script("nft_init.sh")
        # An owner's rules beside it: what is established passes first, and the home may go out.
        self._lab.nft("insert rule inet filter forward ct state established,related accept\n"
                      'add rule inet filter forward iifname "lan" accept\n')
        self._lab.router.run(os.path.join(self._package, "usr/sbin/miniupnpd"), "-f",
                             os.path.join(self._scripts, "miniupnpd.conf"), "-P", self._pid_file,
                             check=True)
        igd = wait_until(lambda: find_igd(self._lab.pc1, timeout=0.3), 10, "miniupnpd answers")
        self.location = igd.location
        return self

    def fill(self, load, size, have=0):
        """Up to 1000 by SOAP. More would take half an hour: its rules are copied for further ports, which
        it reads from the kernel like those it made itself."""
        fill_by_soap(load, self.location, min(size, 1000), min(have, 1000))
        if size <= 1000:
            return
        for chain in ("prerouting_miniupnpd", "miniupnpd"):
            self._lab.router.run(
                os.path.join(TOOLS, "upnpd-rules"), "copy", "--table", "filter", "--chain", chain,
                "--like", str(FIRST_PORT), "--first", str(FIRST_PORT + 1000),
                "--count", str(size - 1000), check=True, timeout=120)

    def _script(self, name):
        result = self._lab.router.run("sh", os.path.join(self._scripts, name))
        assert result.returncode == 0, result.stdout

    def stop(self):
        if not os.path.exists(self._pid_file):
            return
        with open(self._pid_file) as pid_file:
            pid = int(pid_file.read())
        if pid in self._lab.router.pids():
            os.kill(pid, 15)
        wait_until(lambda: pid not in self._lab.router.pids(), 10, "miniupnpd ends")
        self._script("nft_removeall.sh")


class Floor:
    """libmicrohttpd with a fixed answer; `both`: after an element has been added to a bare nft map; `apart`: by
    another process."""

    # Below all that is mapped: upnpd gives no port away that the router listens on.
    PORTS = {"http": 1480, "both": 1481, "apart": 1482}

    def __init__(self, lab, kind, seconds):
        self.name = kind
        self.location = f"http://{lab.lan_address}:{self.PORTS[kind]}/"
        options = ["--port", str(self.PORTS[kind]), "--seconds", str(seconds)]
        if kind != "http":
            make_bare_map(lab)
            options += ["--map", "bare", "--apart", str(int(kind == "apart"))]
        self._process = lab.router.start(os.path.join(TOOLS, "upnpd-floor"), "http", *options)
        lab.at_end(self.stop)

        def answers():
            try:
                lab.pc1.connect(lab.lan_address, self.PORTS[kind], 0.2).close()
                return True
            except OSError:
                return False
        wait_until(answers, 5, "the floor answers")

    def stop(self):
        self._process.terminate()
        self._process.wait()


def make_bare_map(lab):
    lab.nft("table inet floor {\nmap bare {\ntype inet_service : ipv4_addr\n}\n}\n"
            "flush map inet floor bare\n")


def unpack_miniupnpd(directory):
    """Fetches Debian's package and unpacks it in `directory`; returns that, or None without one."""
    program = os.path.join(directory, "usr/sbin/miniupnpd")
    if not os.path.exists(program):
        os.makedirs(directory, exist_ok=True)
        # As this user: apt's own one may not write here.
        fetched = subprocess.run(["apt-get", "-o", "APT::Sandbox::User=root", "download", _PEER],
                                 cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if fetched.returncode != 0:
            return None
        for archive in glob.glob(os.path.join(directory, "*.deb")):
            subprocess.run(["dpkg-deb", "-x", archive, directory], check=True)
    return directory
