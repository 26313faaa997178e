"""A child that dies is back within a second; no mapping notices."""

import os
import signal
import time
import urllib.parse

import pytest

from daemon import Upnpd
from gena import Subscriber
from hang import can_hang, hang, hang_thread, held, threads_in_select
from igd_client import IGD1, SSDP, WAN_IP_1, find_igd, m_search, ssdp_answers
from namespace import wait_until
from sanitized import SANITIZED, SLOWER
from traffic import Capture, Stream, UdpEcho

BACK_WITHIN = 1.0


@pytest.fixture
def upnpd(lab):
    """A fresh one for each test: the pause before a restart grows with each death."""
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


def listed(upnpd):
    return [mapping | {"packets": 0, "bytes": 0, "expires_in": None} for mapping in upnpd.mappings()]


@pytest.mark.parametrize("role", ["igd", "announcer"])
def test_a_killed_child_is_back_within_a_second(lab, upnpd, closing, role):
    closing(UdpEcho(lab.pc1, 5000))
    find_igd(lab.pc1).add(6000, 5000, protocol="UDP", description="stays")
    mappings = listed(upnpd)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        killed = time.monotonic()
        old = upnpd.kill_child(role)
        igd = wait_until(lambda: find_igd(lab.pc1, timeout=0.1), BACK_WITHIN, "discovery and description")
        assert igd.get(6000, protocol="UDP")["NewPortMappingDescription"] == "stays"
        assert upnpd.process(role)["pid"] not in (0, old["pid"])
        assert time.monotonic() - killed < BACK_WITHIN * SLOWER
    finally:
        stream.close()
    assert upnpd.process(role)["restarts"] == old["restarts"] + 1
    assert listed(upnpd) == mappings
    assert stream.lost == []


def test_one_child_is_of_no_concern_to_the_other(lab, upnpd):
    igd, announcer = upnpd.kill_child("igd"), upnpd.process("announcer")
    wait_until(lambda: upnpd.process("igd")["pid"] not in (0, igd["pid"]), 1, "new igd service")
    assert upnpd.process("announcer")["pid"] == announcer["pid"]


def test_a_child_that_is_killed_again_and_again_comes_back(lab, upnpd):
    for _ in range(4):
        upnpd.kill_child("igd")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 5, "upnpd serves again")


@pytest.mark.parametrize("role", ["igd", "announcer"])
def test_a_stopped_child_is_replaced(lab, upnpd, role):
    old = upnpd.process(role)["pid"]
    os.kill(old, signal.SIGSTOP)
    wait_until(lambda: upnpd.process(role)["pid"] not in (0, old), 2, "another process")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 2, "upnpd serves again")
    wait_until(lambda: not os.path.exists(f"/proc/{old}"), 1, "the end of the stopped process")


@pytest.mark.skipif(not can_hang(), reason="hang.py speaks x86-64 alone")
@pytest.mark.parametrize("role", ["igd", "announcer"])
def test_a_child_that_hangs_is_noticed_by_the_first_who_needs_it(lab, upnpd, closing, role):
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", description="stays")
    mappings = listed(upnpd)
    old = upnpd.process(role)
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    wire = Capture(lab.pc1)
    try:
        time.sleep(0.6)  # whoever asked before is answered
        hang(old["pid"])
        asked = time.monotonic()
        if role == "igd":
            closing(lab.pc1.connect(lab.lan_address, int(igd.location.split("/")[2].split(":")[1])))
        else:
            with lab.pc1.udp() as searcher:
                searcher.sendto(m_search("ssdp:all"), SSDP)
        wait_until(lambda: upnpd.process(role)["pid"] not in (0, old["pid"]), 2.0, "another process")
        wait_until(lambda: find_igd(lab.pc1, timeout=0.2), 2.0, "discovery and description")
        noticed = time.monotonic() - asked
        time.sleep(0.3)
    finally:
        stream.close()
        wire.close()
    assert noticed < 4 * SLOWER
    process = upnpd.process(role)
    assert process["restarts"] == old["restarts"] + 1 and "does not answer" in process["last_end"]
    assert listed(upnpd) == mappings and stream.lost == []
    told = [frame for frame in wire.frames if b"NOTIFY * HTTP" in frame]
    if role == "announcer":
        assert any(b"ssdp:byebye" in frame for frame in told) and b"ssdp:alive" in told[-1], \
            "clients are told to look again"


@pytest.fixture
def lan_was_away(lab, upnpd):
    """The announcer has ended as it was told to, and another one has been started."""
    old = upnpd.process("announcer")["pid"]
    try:
        lab.router.ip("link set lan down\n")
        wait_until(lambda: upnpd.process("announcer")["pid"] == 0, 4, "the announcer's end")
    finally:
        lab.router.ip("link set lan up\n")
    wait_until(lambda: upnpd.process("announcer")["pid"] not in (0, old), 2, "another announcer")
    upnpd.wait_until_ready(lab.pc1)


def test_a_fall_is_one_also_after_the_lan_was_away(lab, upnpd, lan_was_away):
    old = upnpd.kill_child("announcer")
    wait_until(lambda: upnpd.process("announcer")["pid"] not in (0, old["pid"]), BACK_WITHIN, "another process")
    process = upnpd.process("announcer")
    assert process["restarts"] == old["restarts"] + 1 and process["last_end"] == "killed by signal 9"
    assert f"(pid {old['pid']}) killed by signal 9; it is started again in 100 ms" in upnpd.log()


@pytest.mark.skipif(not can_hang(), reason="hang.py speaks x86-64 alone")
def test_a_hang_is_noticed_also_after_the_lan_was_away(lab, upnpd, lan_was_away):
    old = upnpd.process("announcer")["pid"]
    time.sleep(0.6)  # whoever asked before is answered
    hang(old)
    with lab.pc1.udp() as searcher:
        searcher.sendto(m_search("ssdp:all"), SSDP)
    wait_until(lambda: upnpd.process("announcer")["pid"] not in (0, old), 2.0, "another process")
    assert "does not answer" in upnpd.process("announcer")["last_end"]


def test_a_child_that_has_answered_is_not_ended_by_a_gateway_that_was_busy(lab, upnpd, closing):
    """The question is sent and not yet answered when the gateway is held up; when it goes on, there is the answer."""
    port = upnpd.status()["lans"][0]["http_port"]
    before = upnpd.status()["processes"]
    time.sleep(0.6)  # whoever asked before is answered
    with held(upnpd.process("igd")["pid"]):
        closing(lab.pc1.connect(lab.lan_address, port))
        time.sleep(0.7)
        os.kill(upnpd.pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(upnpd.pid, signal.SIGCONT)
    time.sleep(1)
    assert upnpd.status()["processes"] == before, upnpd.log()


@pytest.mark.skipif(not can_hang(), reason="hang.py speaks x86-64 alone")
@pytest.mark.parametrize("thread, seconds", [("listening", 2.2), ("serving", 5.2)])
def test_a_thread_of_libupnp_that_hangs_is_noticed(lab, upnpd, closing, thread, seconds):
    """While the announcer's own loop turns. A thread that serves may wait for its client for 3 s first."""
    closing(UdpEcho(lab.pc1, 5000))
    igd = find_igd(lab.pc1)
    igd.add(6000, 5000, protocol="UDP", description="stays")
    mappings = listed(upnpd)
    old = upnpd.process("announcer")
    parts = urllib.parse.urlsplit(igd.url(WAN_IP_1, "eventSubURL"))
    listening = threads_in_select(old["pid"])
    assert len(listening) == 1
    stream = Stream(lab.inet1, lab.wan_address, 6000)
    try:
        if thread == "listening":
            hang_thread(listening.pop())
        asked = time.monotonic()
        closing(lab.pc1.connect(parts.hostname, parts.port)).sendall(b"SUBSCRIBE / HTTP/1.1\r\n")
        if thread == "serving":
            serving = wait_until(lambda: threads_in_select(old["pid"]) - listening, 1, "a thread that serves")
            hang_thread(serving.pop())
        assert ssdp_answers(lab.pc1, IGD1, timeout=0.5, first_only=True), "the loop turns"
        wait_until(lambda: upnpd.process("announcer")["pid"] not in (0, old["pid"]), seconds, "another process")
        noticed = time.monotonic() - asked
        wait_until(lambda: find_igd(lab.pc1, timeout=0.2), 2.0, "discovery and description")
    finally:
        stream.close()
    assert noticed < seconds * SLOWER and "a thread of libupnp hangs" in upnpd.log()
    assert closing(Subscriber(find_igd(lab.pc1), WAN_IP_1)).next()[0] == 0
    assert listed(upnpd) == mappings and stream.lost == []


def test_slow_subscribers_are_no_hang(lab, upnpd, closing):
    """Four connections of one host that send nothing, again and again, for longer than a hang is waited for."""
    announcer = upnpd.process("announcer")
    parts = urllib.parse.urlsplit(find_igd(lab.pc1).url(WAN_IP_1, "eventSubURL"))
    for _ in range(3):
        for _ in range(4):
            closing(lab.pc1.connect(parts.hostname, parts.port)).sendall(b"SUBSCRIBE / HTTP/1.1\r\n")
        time.sleep(2)
    time.sleep(2)
    assert upnpd.process("announcer") == announcer


@pytest.mark.skipif(SANITIZED, reason="a sanitized upnpd-admin takes longer to look than the first pauses last")
def test_a_child_that_falls_again_and_again_is_waited_for_longer_and_shown(lab, upnpd):
    pauses, shown = [], []
    for _ in range(6):
        killed = upnpd.kill_child("igd")["pid"]
        gone = time.monotonic()
        # On a busy machine a look takes longer than the first pauses last.
        shown.append(wait_until(lambda: (p := upnpd.process("igd"))["pid"] != killed and p, 1, "its end is known"))
        wait_until(lambda: upnpd.process("igd")["pid"], 5, "it is back")
        pauses.append(time.monotonic() - gone)
    assert all(process["last_end"] == "killed by signal 9" for process in shown), shown
    assert all(process["state"].startswith("starting again in ") and process["state"].endswith(" s")
               for process in shown if process["pid"] == 0), shown
    assert [process["pid"] for process in shown[4:]] == [0, 0], shown
    assert pauses[0] < SLOWER and all(least <= pause <= least + SLOWER
                                      for least, pause in zip((1.6, 3.2), pauses[4:])), pauses
    text = upnpd.admin("status").stdout
    assert "6 restarts, last killed by signal 9" in text, text
    assert upnpd.process("igd")["state"] == "running"
    assert find_igd(lab.pc1), "and it serves"


def test_no_process_wakes_up_when_nothing_happens(lab, upnpd):
    time.sleep(2)  # announcements and what was asked before are over
    def switches():
        counts = {}
        for pid in upnpd.pids():
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/status") as status:
                    counts[pid, thread] = sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
        return counts
    before = switches()
    time.sleep(3)
    after = switches()
    gateway_and_service = [key for key in after if key[0] in upnpd.pids()[:2]]
    woken = {key: after[key] - before[key] for key in gateway_and_service if after[key] != before.get(key)}
    assert woken == {}
