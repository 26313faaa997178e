"""Another program at our table: kept out of it, or what it did is put right within a second."""

import contextlib
import os
import re
import signal
import socket
import struct
import time

import pytest

from daemon import Upnpd
from igd_client import SoapFault, find_igd
from namespace import wait_until
from traffic import Stream, UdpEcho, WebServer, fetch, is_closed, is_echoed

HEALED_WITHIN = 1.0

# What others do to the table, and whether 8080 is closed by it.
DAMAGES = {
    "flush ruleset": ("flush ruleset", True),
    "delete table": ("delete table inet upnpd", True),
    "flush table": ("flush table inet upnpd", True),
    "flush chain": ("flush chain inet upnpd prerouting", True),
    "delete chain": ("flush chain inet upnpd prerouting\ndelete chain inet upnpd prerouting", True),
    "flush map": ("flush map inet upnpd mappings", True),
    "flush set": ("flush set inet upnpd external_addresses", True),
    "delete element": ("delete element inet upnpd mappings { tcp . 8080 }", True),
    "delete surroundings": ("flush set inet upnpd wan_interfaces\nflush set inet upnpd mapped_clients", False),
    "other element": ("delete element inet upnpd mappings { tcp . 8080 }\n"
                      "add element inet upnpd mappings { tcp . 8080 : 192.168.77.20 . 1 }", True),
    "added rule": ("insert rule inet upnpd prerouting tcp dport 8080 return", True),
    "added chain": ("add chain inet upnpd mine { type filter hook prerouting priority -150; }\n"
                    "add rule inet upnpd mine tcp dport 8080 drop", True),
    "chain of another policy": ("add chain inet upnpd forward_mark { policy drop; }", True),
    "dormant table": ("add table inet upnpd { flags dormant; }", True),
    "added elements": ("add element inet upnpd mappings { tcp . 9999 : 192.168.77.10 . 80,"
                       " udp . 53 : 127.0.0.1 . 53, sctp . 22 : 192.168.77.5 . 22 }\n"
                       "add element inet upnpd mapped_clients { 192.168.77.20 . tcp . 22 }\n"
                       "add element inet upnpd source_ports { 192.168.77.20 . tcp . 22 : 22 }\n"
                       "add element inet upnpd external_addresses { 198.51.100.7 }", False),
    "added set": ("add set inet upnpd mine { type ipv4_addr; }", False),
}


@pytest.fixture
def start(lab):
    started = []

    def start(**keys):
        started.append(Upnpd(lab, **keys).start())
        return started[-1]
    yield start
    for upnpd in started:
        upnpd.discard()


@pytest.fixture
def page(lab, closing):
    closing(WebServer(lab.pc1, 80, "a page"))


@pytest.fixture
def home_rules(lab):
    """Puts back what a flushed ruleset took from the home's own firewall."""
    before = lab.router.run("nft", "list", "table", "ip", "home").stdout
    yield
    if not lab.table("ip", "home"):
        lab.nft(before)


def refusal_of_a_table_of_its_makers_alone(namespace):
    """The kernel's errno about a table that its maker alone may change and that stays when the maker ends; 0: there
    are such. The table goes in the transaction that makes it."""
    def message(kind, flags, resource=0, attributes=b""):
        head = struct.pack("=IHHIIBBH", 20 + len(attributes), kind, flags, 1, 0, 1, 0, socket.htons(resource))
        return head + attributes

    request, acknowledged, nf_tables = 1, 4, 10
    name = struct.pack("=HH12s", 16, 1, b"upnpd-asks")
    owner_and_persist = struct.pack("=HH", 8, 2) + struct.pack("!I", 1 << 1 | 1 << 2)
    with namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netfilter:
        netfilter.sendto(message(16, request, nf_tables)
                         + message(nf_tables << 8 | 0, request | acknowledged, attributes=name + owner_and_persist)
                         + message(nf_tables << 8 | 2, request, attributes=name)
                         + message(17, request, nf_tables), (0, 0))
        return -struct.unpack_from("=i", netfilter.recv(4096), 16)[0]


@pytest.fixture
def tables_of_ours_alone(lab):
    if refused := refusal_of_a_table_of_its_makers_alone(lab.router):
        pytest.skip(f"this kernel has no tables with an owner that outlive it: {os.strerror(refused)}")


def listing(lab):
    """Our table as nft lists it, in one order, without what counts, what runs out, and who searched."""
    text = lab.router.run("nft", "list", "table", "inet", "upnpd").stdout
    text = re.sub(r" (expires|timeout) [0-9a-z]+| packets \d+ bytes \d+", "", text)
    text = re.sub(r"(size 4096\n[^\n]*\n[^\n]*\n)\s*elements = {[^}]*}", r"\1", text)
    return sorted(part.strip() for part in re.split(r"[\n,{}]", text) if part.strip())


def passes(lab, port=8080):
    return fetch(lab.inet1, lab.wan_address, port) == "a page"


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_others_do_to_the_table_is_put_right(lab, start, page, home_rules, damage):
    commands, closes = DAMAGES[damage]
    upnpd = start(table_owner="no")
    find_igd(lab.pc1).add(8080, 80, lease=600)
    assert passes(lab)
    before = listing(lab)
    lab.nft(commands)
    wait_until(lambda: listing(lab) == before, HEALED_WITHIN,
               lambda: f"{damage} is healed: {set(before) ^ set(listing(lab))}\n{upnpd.log()}")
    assert passes(lab)
    lease = upnpd.mappings()[0]["expires_in"]
    assert 580 <= lease <= 600
    assert upnpd.log().count("is repaired") == 1, upnpd.log()
    assert upnpd.status()["faults"]["kernel"] == ""


def test_a_peer_that_sends_while_the_table_is_not_there_gets_in_again(lab, start, closing):
    upnpd = start(table_owner="no")
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600)
    to = (lab.wan_address, 6000)
    with lab.inet1.udp(timeout=0.1) as peer:
        upnpd.signal_all(signal.SIGSTOP)
        try:
            lab.nft("delete table inet upnpd")
            assert not is_echoed(peer, to)
        finally:
            upnpd.signal_all(signal.SIGCONT)
        wait_until(lambda: is_echoed(peer, to), 2, "the peer, which goes on sending, gets in")


def test_the_damage_is_real(lab, start, page, home_rules):
    """The same commands while upnpd is stopped close the port: what opens it again is the repair."""
    for damage, (commands, closes) in DAMAGES.items():
        if not closes:
            continue
        upnpd = start(table_owner="no")
        find_igd(lab.pc1).add(8080, 80)
        before = lab.router.run("nft", "list", "table", "ip", "home").stdout
        os.kill(upnpd.pid, signal.SIGSTOP)
        try:
            lab.nft(commands)
            if not lab.table("ip", "home"):
                lab.nft(before)
            assert not passes(lab), damage
        finally:
            os.kill(upnpd.pid, signal.SIGCONT)
        wait_until(lambda: passes(lab), 3, f"{damage} is healed")
        upnpd.discard()


def test_a_foreign_element_costs_the_others_neither_connection_nor_counter(lab, start, closing):
    closing(UdpEcho(lab.pc1, 5000))
    upnpd = start(table_owner="no")
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", lease=600)
    igd.add(6001, 5000, protocol="UDP", lease=600)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        wait_until(lambda: upnpd.mappings()[0]["packets"] > 5, 5, "packets are counted")
        counted = upnpd.mappings()[0]["packets"]
        lab.nft("delete element inet upnpd mappings { udp . 6001 }")
        wait_until(lambda: "udp . 6001" in lab.table(), HEALED_WITHIN, "it is back")
        lab.nft("add element inet upnpd mappings { udp . 53 : 127.0.0.1 . 53 }")
        wait_until(lambda: "udp . 53 " not in lab.table(), HEALED_WITHIN, "it is gone")
        time.sleep(0.2)
    finally:
        stream.close()
    assert stream.lost == [] and stream.sent > 10
    assert upnpd.mappings()[0]["packets"] >= counted


def test_thousands_of_mappings_come_back_within_a_second(lab, start, page, home_rules):
    upnpd = start(table_owner="no", max_mappings=10000, max_mappings_per_host=10000)
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    fill(lab, upnpd, 3000)
    lab.nft("delete table inet upnpd")
    wait_until(lambda: passes(lab), HEALED_WITHIN, "the table is made again")
    assert len(upnpd.mappings()) == 3001
    assert lab.table().count("tcp . 2") >= 1000


def fill(lab, upnpd, count):
    """Gives upnpd `count` more mappings, by its journal."""
    assert upnpd.stop() == 0
    with open(upnpd.lease_file) as journal:
        header, line = journal.read().splitlines()[:2]
    with open(upnpd.lease_file, "w") as journal:
        print(header.replace('"next_id":2', f'"next_id":{count + 2}'), line, sep="\n", file=journal)
        for i in range(count):
            print(line.replace('"put":1', f'"put":{i + 2}').replace(":8080", f":{20000 + i}")
                  .replace('"internal_port":80', f'"internal_port":{30000 + i}'), file=journal)
    upnpd.start()


def test_two_that_disagree_do_not_keep_the_router_busy(lab, start):
    upnpd = start(table_owner="no")
    find_igd(lab.pc1).add(8080, 80)
    remover = lab.router.start("sh", "-c", "while :; do nft delete table inet upnpd; sleep 0.02; done")
    try:
        time.sleep(4)
        status = upnpd.status()["faults"]["kernel"]
    finally:
        remover.kill()
        remover.wait()
    assert "growing pauses" in status
    assert upnpd.log().count("growing pauses") == 1
    assert 2 <= upnpd.log().count("is repaired") - 1 <= 5, upnpd.log()
    wait_until(lambda: "8080" in lab.table(), 9, "the last one to speak is upnpd")
    wait_until(lambda: upnpd.status()["faults"]["kernel"] == "", 12, "and the fault is over")


def test_changes_of_other_tables_cost_nothing(lab, start):
    upnpd = start(table_owner="no")
    lab.nft("table inet other { set s { type ipv4_addr; }\n}")

    def cpu():
        with open(f"/proc/{upnpd.pid}/stat") as stat:
            return sum(map(int, stat.read().rpartition(")")[2].split()[11:13]))

    def wake_ups():
        with open(f"/proc/{upnpd.pid}/status") as status:
            return int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", status.read())[1])
    try:
        before = cpu(), wake_ups()
        elements = "".join(f"add element inet other s {{ 10.0.{i // 250}.{i % 250} }}\n" for i in range(500))
        lab.router.run("nft", "-i", input=elements)  # a transaction each
        after = cpu(), wake_ups()
    finally:
        lab.nft("delete table inet other")
    assert after[0] - before[0] <= 1 and after[1] - before[1] < 20, (before, after)
    assert "repaired" not in upnpd.log()


@pytest.mark.parametrize("command", ["flush ruleset", "delete table inet upnpd", "flush table inet upnpd",
                                     "add element inet upnpd mappings { tcp . 22 : 192.168.77.5 . 22 }"])
def test_a_table_of_ours_alone_is_not_changed_by_others(lab, tables_of_ours_alone, start, closing, home_rules, command):
    closing(UdpEcho(lab.pc1, 5000))
    upnpd = start()
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600)
    before = listing(lab)
    lab.nft("chain ip home forward { policy accept; }")
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        time.sleep(0.2)
        lab.router.run("nft", command)
        time.sleep(0.3)
    finally:
        stream.close()
    assert stream.lost == [] and stream.sent > 10
    assert listing(lab) == before
    assert "repaired" not in upnpd.log()
    assert "udp . 6000" in lab.router.run("nft", "list", "ruleset").stdout, "others still read it"


def test_a_killed_upnpds_table_stays_and_falls_to_the_next(lab, tables_of_ours_alone, start, closing):
    closing(UdpEcho(lab.pc1, 5000))
    upnpd = start()
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        upnpd.kill()
        assert "udp . 6000" in lab.table()
        upnpd.start()
        time.sleep(0.2)
    finally:
        stream.close()
    assert stream.lost == []
    assert lab.router.run("nft", "delete", "table", "inet", "upnpd").returncode != 0
    assert [m["external_port"] for m in upnpd.mappings()] == [6000]
    assert upnpd.stop() == 0
    assert lab.table() == ""


@pytest.mark.parametrize("before, after", [("no", "yes"), ("yes", "no")])
def test_a_table_is_taken_over_whoever_could_change_it(lab, request, start, closing, before, after):
    if after == "yes":
        request.getfixturevalue("tables_of_ours_alone")
    closing(UdpEcho(lab.pc1, 5000))
    upnpd = start(table_owner=before)
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", lease=600)
    with lab.inet1.udp() as flow:
        def echoes():
            flow.sendto(b"hello", (lab.wan_address, 6000))
            return flow.recv(16) == b"hello"
        assert echoes()
        upnpd.kill()
        with open(upnpd.config) as config:
            lines = config.read().replace(f"table_owner={before}", f"table_owner={after}")
        with open(upnpd.config, "w") as config:
            config.write(lines)
        upnpd.start()
        assert echoes()
    assert [m["external_port"] for m in upnpd.mappings()] == [6000]
    may_change = lab.router.run("nft", "add", "set", "inet", "upnpd", "x", "{ type ipv4_addr; }").returncode == 0
    assert may_change == (after == "no")


def test_a_full_kernel_refuses_one_and_loses_nothing(lab, start, page):
    """A map with room for two, made by hand, that upnpd takes over."""
    lab.nft("""table inet upnpd {
      map mappings { type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; counter; size 2; }
      set wan_interfaces { type ifname; }
    }""")
    upnpd = start(table_owner="no")
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80)
    for port in (8082, 8083):
        with pytest.raises(SoapFault) as refused:
            igd.add(port, 80)
        assert refused.value.code == 501
    assert "No space left" in upnpd.status()["faults"]["kernel"]
    assert [m["external_port"] for m in upnpd.mappings()] == [8080, 8081]
    assert passes(lab, 8080) and passes(lab, 8081) and is_closed(lab.inet1, lab.wan_address, 8082)
    igd.delete(8081)
    igd.add(8083, 80)
    assert passes(lab, 8083)
    assert upnpd.status()["faults"]["kernel"] == ""
    upnpd.kill()
    with contextlib.suppress(FileNotFoundError):
        assert open(upnpd.lease_file).read().count('"external_port":8082') == 0
