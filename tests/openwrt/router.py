"""A directory that looks like an OpenWrt router to an init script: busybox, the package's files where its
Makefile installs them, and stand-ins (standin/) for what is not the package's. Runs in a chroot in a
mount namespace of its own."""

import pathlib
import shutil
import subprocess

import daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "openwrt/upnpd"
STANDIN = pathlib.Path(__file__).parent / "standin"
HOME = {"default": {"wan": "wan"}, "wan": {"l3_device": "eth1"},
        "lan": {"l3_device": "br-lan", "subnet": "192.168.1.1/24", "subnet6": "2001:db8:1::1/64 fd00:1::1/64"},
        "guest": {"l3_device": "br-guest", "subnet": "192.168.2.1/24"}}
SYSTEM = ("/lib64", "/usr/lib", "/dev", "/proc")

# As little of OpenWrt's build system as shows what a package's Makefile means.
_MAKE = r"""
TOPDIR:=.
INCLUDE_DIR:=.
PKG_INSTALL_DIR:=$(BUILT)
PKG_BUILD_DIR:=$(BUILT)/source
INSTALL_DIR:=install -d
INSTALL_BIN:=install -m0755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
CP:=cp -fpR
define BuildPackage
all:
	$$(call Build/Prepare)
	$$(call Package/$(1)/install,$$(DESTINATION))
	@echo $$(foreach name,DEPENDS PROVIDES CONFLICTS USERID FLAGS_IN_TIME,$$(name)=$$(value $$(name)))
$$(eval $$(value Package/$(1)))
$$(file >$$(DESTINATION)/postinst,$$(Package/$(1)/postinst))
$$(file >$$(DESTINATION)/prerm,$$(Package/$(1)/prerm))
$$(file >$$(DESTINATION)/conffiles,$$(Package/$(1)/conffiles))
endef
"""


def make_package(directory, built, destination):
    """What `make` says of the package in `directory`, installed from `built` to `destination`."""
    scratch = pathlib.Path(destination) / "make"
    scratch.mkdir(parents=True)
    (scratch / "rules.mk").write_text(_MAKE)
    # OpenWrt's reads the flags when it is included.
    (scratch / "package.mk").write_text("FLAGS_IN_TIME:=$(PKG_BUILD_FLAGS)\n")
    for name in ("meson.mk", "cmake.mk"):
        (scratch / name).write_text("")
    result = subprocess.run(
        ["make", "-s", "-C", str(directory), "--include-dir", str(scratch), f"TOPDIR={scratch}", f"INCLUDE_DIR={scratch}",
         f"BUILT={built}", f"DESTINATION={destination}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shutil.rmtree(scratch)
    assert result.returncode == 0, result.stdout
    return result.stdout


class Router:
    """Built in `directory`. `networks` are {name: {what netifd says: value}}."""

    def __init__(self, directory):
        self.root = pathlib.Path(directory) / "root"
        built = pathlib.Path(directory) / "built"
        (built / "usr/sbin").mkdir(parents=True)
        for binary in (daemon.UPNPD, daemon.UPNPD_ADMIN):
            shutil.copy(binary, built / "usr/sbin" / pathlib.Path(binary).name)
        self.root.mkdir()
        self.said = make_package(PACKAGE, built, self.root)
        self._furnish()

    def reset(self, uci=None, networks=None):
        """As after a boot, with this /etc/config/upnpd (None: the shipped one), the service not started."""
        for path in ("procd", "fw4", "var", "networks", "log"):
            shutil.rmtree(self.root / path, ignore_errors=True)
            (self.root / path).unlink(missing_ok=True)
        for path in ("procd", "fw4", "var/run", "var/log"):
            (self.root / path).mkdir(parents=True)
        self.set_networks(networks or {})
        self.write("etc/config/network", "".join(f"config interface '{name}'\n\toption proto static\n"
                                                 for name in ("wan", "wan6", "lan", "guest")))
        self.write("etc/config/upnpd", (PACKAGE / "files/upnpd.config").read_text() if uci is None else uci)
        return self

    def _furnish(self):
        for directory in ("bin", "lib/functions", "tmp", "usr/bin", "sbin",
                          *(path[1:] for path in SYSTEM)):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        for name, place in (("rc.common", "etc/rc.common"), ("functions.sh", "lib/functions.sh"),
                            ("network.sh", "lib/functions/network.sh")):
            shutil.copy(STANDIN / name, self.root / place)
        for tool in (STANDIN / "bin").iterdir():
            shutil.copy(tool, self.root / "usr/bin" / tool.name)
        busybox = shutil.which("busybox")
        shutil.copy(busybox, self.root / "bin/busybox")
        for applet in subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
            if not (self.root / "usr/bin" / applet).exists():
                (self.root / "bin" / applet).symlink_to("busybox")
        self.write("etc/passwd", "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
        self.write("etc/group", "root:x:0:\nnogroup:x:65534:\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path):
        file = self.root / path
        return file.read_text() if file.exists() else ""

    def set_networks(self, networks):
        shutil.rmtree(self.root / "networks", ignore_errors=True)
        for name, facts in networks.items():
            for fact, value in facts.items():
                self.write(f"networks/{name}/{fact}", value)

    def run(self, *words):
        """Runs a command on the router with nothing but busybox; returns what it printed."""
        mounts = "".join(f"mount --rbind {path} {self.root}{path} && " for path in SYSTEM)
        # /lib is the router's own here; of this machine's, only where the loader looks.
        libraries = " ".join(str(path) for path in pathlib.Path("/lib").glob("*-linux-gnu"))
        mounts += "".join(f"mkdir -p {self.root}{path} && mount --bind {path} {self.root}{path} && "
                          for path in libraries.split())
        result = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f'{mounts} exec env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin chroot {self.root} "$@"',
             "sh", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def init(self, action, script="upnpd"):
        """/etc/init.d/SCRIPT ACTION, under busybox ash."""
        return self.run("ash", "/etc/rc.common", f"/etc/init.d/{script}", action)

    @property
    def config(self):
        """The lines of upnpd.conf that say something."""
        return [line for line in self.read("var/etc/upnpd/upnpd.conf").splitlines() if line and not line.startswith("#")]

    @property
    def events(self):
        return self.read("procd/events").splitlines()

    @property
    def log(self):
        return self.read("log")
