"""What /proc says of each process: who holds what; and what becomes of a child that is made to try more."""

import os
import signal
import socket

import pytest

from daemon import Upnpd
from injected_call import POSSIBLE, end_after, result_of
from namespace import wait_until
from sanitized import SANITIZED

CAP_NET_ADMIN = 1 << 12


def status_of(pid):
    with open(f"/proc/{pid}/status") as status:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in status)}


def limit_of(pid, name):
    with open(f"/proc/{pid}/limits") as limits:
        line = next(line for line in limits if line.startswith(name))
    return line[len(name):].split()[0]


@pytest.fixture(scope="module")
def gateway(upnpd):
    return status_of(upnpd.process("gateway")["pid"])


@pytest.fixture(scope="module", params=["igd", "announcer"])
def child(upnpd, request):
    return upnpd.process(request.param)["pid"]


def test_the_gateway_keeps_one_capability(gateway):
    for held in ("CapEff", "CapPrm"):
        assert int(gateway[held], 16) == CAP_NET_ADMIN, held
    assert int(gateway["CapInh"], 16) == 0 and int(gateway["CapAmb"], 16) == 0


def test_the_gateway_has_a_filter_that_its_children_inherit(gateway):
    """Without no_new_privs, which would keep them from changing their user."""
    assert gateway["Seccomp"] == "2" and gateway["NoNewPrivs"] == "0"


def test_a_child_is_nobody_special(child):
    status = status_of(child)
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()
    assert "0" not in status["Groups"].split()
    for held in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"):
        assert int(status[held], 16) == 0, held


def test_a_child_can_gain_nothing_and_call_little(child):
    status = status_of(child)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


def test_every_thread_of_a_child_is_sandboxed(child):
    for thread in os.listdir(f"/proc/{child}/task"):
        assert status_of(f"{child}/task/{thread}")["Seccomp"] == "2"


def test_a_childs_file_system_is_empty(child):
    assert os.listdir(f"/proc/{child}/root") == []
    assert os.path.realpath(f"/proc/{child}/cwd") == os.path.realpath(f"/proc/{child}/root")


def test_a_childs_resources_are_bounded(child):
    assert limit_of(child, "Max core file size") == "0"
    # A sanitizer's shadow memory alone is terabytes of it.
    assert limit_of(child, "Max address space") != "unlimited" or SANITIZED
    assert int(limit_of(child, "Max open files")) <= 4096


def test_a_child_holds_no_descriptor_it_has_no_use_for(upnpd, child):
    names = []
    for fd in os.listdir(f"/proc/{child}/fd"):
        try:
            names.append(os.readlink(f"/proc/{child}/fd/{fd}"))
        except FileNotFoundError:
            pass
    allowed = ("socket:", "anon_inode:", "pipe:", "/dev/null", upnpd.log_file)
    assert not [name for name in names if not name.startswith(allowed)], names


# ---- taken over: a running child makes a system call of ours ----

ONLY_HERE = pytest.mark.skipif(not POSSIBLE, reason="registers are known for x86-64 alone")
AT_FDCWD, PTRACE_ATTACH = -100 & (1 << 64) - 1, 16
FORBIDDEN = {
    "open": ("openat", AT_FDCWD, 0, os.O_RDONLY),
    "exec": ("execve", 0, 0, 0),
    "a netlink socket": ("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "a packet socket": ("socket", socket.AF_PACKET, socket.SOCK_RAW, 0),
    "ptrace": ("ptrace", PTRACE_ATTACH, 1, 0, 0),
    "kill": ("kill", 1, 0),
}


@ONLY_HERE
def test_a_call_that_a_child_makes_anyway_is_made(upnpd, child):
    """What is tried below is tried in earnest: the same way, an allowed call returns, and the child goes on."""
    assert result_of(child, "getpid") == child
    assert result_of(child, "getpid") == child
    assert child in upnpd.pids()


@pytest.fixture(scope="module")
def another_lab(make_lab):
    return make_lab()


@ONLY_HERE
@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_running_child_dies_of_a_call_it_has_no_use_for(another_lab, name):
    if name == "open" and SANITIZED:
        pytest.skip("the sanitizers' library opens files")
    upnpd = Upnpd(another_lab).start()
    try:
        before = {role: upnpd.process(role) for role in ("igd", "announcer")}
        for process in before.values():
            assert end_after(process["pid"], *FORBIDDEN[name]) == signal.SIGSYS
        # Their ends are noticed, told, and made good.
        wait_until(lambda: upnpd.log().count(f"killed by signal {signal.SIGSYS:d}") == 2, 5, "both ends are told")
        for role, process in before.items():
            wait_until(lambda: upnpd.process(role)["pid"] not in (0, process["pid"]), 5, f"{role} is back")
    finally:
        upnpd.discard()
