"""What befalls a router while the soak test asks: each a function of the Home, which it leaves as the
checks must find it, `home.wan_addresses` and `home.denied_from` included."""

import os
import signal
import time

from hang import can_hang, hang
from ipv6 import GUEST
from namespace import is_alive, wait_until

# The gateway repairs three times in a row at once; changes that follow each other are waited out longer.
BETWEEN_DAMAGES = 2.2
# A child that falls again within 10 s is waited for twice as long each time.
BETWEEN_FALLS = 10.5
NOTICED_WITHIN = 2.0


# The gateway's life ends.

def kill_gateway(home):
    orphans = home.upnpd.kill()
    home.start()
    wait_until(lambda: not any(map(is_alive, orphans)), 3, "the former children have ended")


def stop_and_start(home):
    assert home.upnpd.stop() == 0
    assert home.lab.table() == "", "a clean stop closes every port"
    home.start()


# A child falls.

def _fallen(home, role, fell):
    old = home.upnpd.process(role)
    assert old["pid"] > 0, old
    fell(old["pid"])
    wait_until(lambda: home.upnpd.process(role)["pid"] not in (0, old["pid"]), NOTICED_WITHIN + 0.5,
               lambda: f"another {role}\n{home.upnpd.log()[-2000:]}")
    home.find_again()


def kill_igd(home):
    _fallen(home, "igd", lambda pid: os.kill(pid, signal.SIGKILL))


def stop_igd(home):
    _fallen(home, "igd", lambda pid: os.kill(pid, signal.SIGSTOP))


def hang_igd(home):
    def hung(pid):
        hang(pid)
        home.lab.pc1.connect(*home.households[0].address_of_gateway()).close()  # who asks is who notices
    _fallen(home, "igd", hung)


def kill_announcer(home):
    _fallen(home, "announcer", lambda pid: os.kill(pid, signal.SIGKILL))


def stop_announcer(home):
    _fallen(home, "announcer", lambda pid: os.kill(pid, signal.SIGSTOP))


# Others change the table.

def flush_ruleset(home):
    """The home's own firewall is put back, as its owner would."""
    of_home = [home.lab.router.run("nft", "list", "table", family, "home").stdout for family in ("ip", "ip6")]
    home.lab.nft("flush ruleset")
    home.lab.nft("".join(of_home))


def delete_table(home):
    home.lab.nft("delete table inet upnpd")


def flush_map(home):
    home.lab.nft("flush map inet upnpd mappings")


def flush_sets(home):
    home.lab.nft("flush set inet upnpd external_addresses\nflush set inet upnpd mapped_clients")


def flush_pinholes(home):
    home.lab.nft("flush set inet upnpd pinholes\nflush set inet upnpd host_port_pinholes")


def delete_rules(home):
    home.lab.nft("flush chain inet upnpd prerouting\nflush chain inet upnpd forward_mark")


def add_foreign_elements(home):
    home.lab.nft("add element inet upnpd mappings { tcp . 9999 : 192.168.77.10 . 80, udp . 53 : 127.0.0.1 . 53 }\n"
                 "add element inet upnpd mapped_clients { 192.168.77.20 . tcp . 22 }\n"
                 "add element inet upnpd external_addresses { 198.51.100.7 }")


# The networks change.

def change_wan_address(home):
    home.set_wan([next(a for a in ("203.0.113.1", "203.0.113.2", "203.0.113.3") if a not in home.wan_addresses)])


def add_wan_address(home):
    home.set_wan([*home.wan_addresses[:1], "203.0.113.4"])


def lose_wan_address(home):
    kept = home.wan_addresses
    home.set_wan([])
    home.check()
    home.set_wan(kept)


def make_wan_anew(home):
    """Another interface of that name, with another index and hardware address."""
    kept = home.wan_addresses
    home.lab.router.ip("link del wan\n")
    home.wan_addresses = []
    home.check()
    home.lab.plug(home.lab.router, "wan", kept[0], "wan")
    home.set_wan(kept)


def lose_guest_lan(home):
    home.lab.router.ip("link set guest down\n")
    time.sleep(0.3)
    # An interface that goes down loses its IPv6 addresses.
    home.lab.router.ip(f"addr add {GUEST}1/64 dev guest nodad\nlink set guest up\n")
    home.find_again()


# The configuration changes.

def _reload(home):
    result = home.upnpd.admin("reload")
    assert result.returncode == 0, result.stdout


def reload_unchanged(home):
    _reload(home)


def deny_and_permit(home):
    """Forbids some ports of every host, or permits them again."""
    home.deny(not home.denies)
    _reload(home)


def sighup(home):
    home.deny(not home.denies)
    taken = home.upnpd.log().count("configuration")
    os.kill(home.upnpd.pid, signal.SIGHUP)
    wait_until(lambda: home.upnpd.log().count("configuration") > taken, 1, "the configuration is read")


def reload_broken(home):
    with home.spoilt_configuration():
        assert home.upnpd.admin("reload").returncode != 0


LIFE = [kill_gateway, stop_and_start]
CHILDREN = [kill_igd, kill_announcer, stop_igd, stop_announcer] + ([hang_igd] if can_hang() else [])
DAMAGES = [flush_ruleset, delete_table, flush_map, flush_sets, flush_pinholes, delete_rules, add_foreign_elements]
SURROUNDINGS = [change_wan_address, add_wan_address, lose_wan_address, make_wan_anew, lose_guest_lan,
                reload_unchanged, deny_and_permit, sighup, reload_broken]
