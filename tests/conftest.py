"""Options, the check whether a lab can be built here, and the fixtures every test file has, in lab/ and
beside it."""

import ctypes
import os
import pathlib
import shutil
import signal
import sys

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT / "tests/lab"))

import daemon  # noqa: E402
from lab import Lab  # noqa: E402

_TOOLS = ("ip", "nft", "sysctl")


def pytest_addoption(parser):
    parser.addoption("--upnpd", help="the upnpd to test (default: the one in build/)")
    parser.addoption("--upnpd-admin", help="its upnpd-admin (default: the one in build/)")


def _built(name):
    found = [path for path in _ROOT.glob(f"build/src/*/{name}") if os.access(path, os.X_OK)]
    return str(found[0]) if found else None


def _why_no_lab():
    if os.geteuid() != 0:
        return "the lab needs root"
    for tool in _TOOLS:
        if not shutil.which(tool):
            return f"the lab needs {tool}"
    if ctypes.CDLL(None).unshare(0x40000000) != 0:  # CLONE_NEWNET; only tried in a child
        return "the lab needs network namespaces"
    return None


def _no_lab():
    """_why_no_lab() asked in a child, since asking changes the namespace."""
    read_end, write_end = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write_end, (_why_no_lab() or "").encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        return answer.read()


def pytest_configure(config):
    daemon.UPNPD = config.getoption("--upnpd") or _built("upnpd")
    daemon.UPNPD_ADMIN = config.getoption("--upnpd-admin") or _built("upnpd-admin")

    def interrupt(*_):
        # As Ctrl-C: pytest ends the running test and takes every fixture down.
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)


def pytest_collection_modifyitems(config, items):
    if reason := _no_lab():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))
    elif not daemon.UPNPD or not daemon.UPNPD_ADMIN:
        raise pytest.UsageError("no upnpd in build/: run scripts/test, or give --upnpd and --upnpd-admin")


@pytest.fixture(scope="module")
def make_lab():
    """Builds labs that go when the module's tests are over."""
    labs = []

    def make(**options):
        labs.append(Lab(**options))
        return labs[-1]
    yield make
    for lab in reversed(labs):
        lab.remove()


@pytest.fixture(scope="module")
def lab(make_lab):
    """The home the tests of a module share."""
    return make_lab()


@pytest.fixture(scope="module")
def upnpd(lab):
    """upnpd running in `lab` with the usual configuration."""
    return daemon.Upnpd(lab).start()


@pytest.fixture
def closing():
    """Has what a test opens closed at its end: closing(WebServer(...)) returns its argument."""
    opened = []

    def keep(thing):
        opened.append(thing)
        return thing
    yield keep
    for thing in reversed(opened):
        thing.close()
