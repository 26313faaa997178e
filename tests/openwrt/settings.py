"""Words for the tests of /etc/config/upnpd: what is written there, and the lines it becomes."""

from router import HOME

ALWAYS = ["lease_file=/var/lib/upnpd/leases", "ipv6_disable=no", "system_uptime=yes"]
UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def present(*options, rules=""):
    return section("upnpd 'config'", "enabled 1", f"uuid {UUID}", *options) + rules


def proposed(*options, rest=""):
    return section("upnpd 'settings'", "enabled 1", f"uuid {UUID}", *options) + rest


def section(head, *options):
    return f"config {head}\n" + "".join(f"\toption {option}\n" for option in options)


LAN = section("internal_network", "interface lan", "reject_ports ''")
QUIET_LAN = section("internal_network", "interface lan", "reject_ports '22'", "access_preset none")

WEB = "allow 80 0.0.0.0/0 80 # web"


def preset(name, check=""):
    entry = section("perm_rule", "action allow", "ext_ports 80", "int_ports 80", "comment web")
    return section("internal_network", "interface lan", "reject_ports ' '", f"acl_preset {name}", f"check_custom_acl '{check}'") + entry


ADDRESSES = {"lan": ("192.168.1.1/24", "2001:db8:1::1/64", "fd00:1::1/64"), "guest": ("192.168.2.1/24",),
             "every network": ("0.0.0.0/0", "::/0")}


def on(network, verdict, ports, why):
    return [f"{verdict} {ports} {address} {ports} # {why} on {network}" for address in ADDRESSES[network]]


def on_lan(verdict, ports, why):
    return on("lan", verdict, ports, why)


def on_all(verdict, ports, why):
    return on("every network", verdict, ports, why)


def refused(ports, network="lan"):
    return [f"deny {pair[0]} {address} {pair[1]} # refused on {network}" for address in ADDRESSES[network]
            for pair in ((ports, "0-65535"), ("0-65535", ports))]


def settled(router, uci):
    router.reset(uci, {**HOME, "wan6": {"l3_device": "eth6"}})
    router.write("fw4/zone-internet", "eth9\neth10\n")
    router.init("start")
    assert router.events == ["start"], router.log
    return router.config


def permissions(lines):
    return [line for line in lines if line.startswith(("allow ", "deny "))]
