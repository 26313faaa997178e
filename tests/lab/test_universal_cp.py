"""gupnp-universal-cp, a program with windows, on a screen that nobody sees."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from lab import PUBLIC_WAN
from namespace import wait_until
from traffic import WebServer, fetch, is_closed

PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(wan=PUBLIC_WAN)


@pytest.fixture(scope="module")
def programs():
    """Those that this needs."""
    for program in ("gupnp-universal-cp", "Xvfb", "dbus-run-session"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    found = subprocess.run([PYTHON, "-c", "import gi; gi.require_version('Atspi', '2.0'); "
                            "from gi.repository import Atspi"], capture_output=True)
    if found.returncode != 0 or not os.path.exists("/usr/libexec/at-spi-bus-launcher"):
        pytest.skip("gir1.2-atspi-2.0, at-spi2-core or python3-gi is not installed")


@pytest.fixture
def desktop(lab, programs):
    """The environment of programs on the PC's screen. Whatever runs on the PC ends with it: a session bus
    starts programs of its own. The screen is an abstract socket, which is the namespace's own, and no file
    that a real screen of this machine might have. Without -noreset it shuts for a moment whenever its last
    program leaves it, before the next one's face."""
    said = pathlib.Path(lab.directory, "screen")
    with open(said, "w") as output:
        screen = lab.pc1.start("Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp",
                               "-nolisten", "unix", "-noreset", output=output)
    try:
        display = wait_until(lambda: [line for line in said.read_text().splitlines() if line.isdigit()], 20,
                             said.read_text)[0]
        yield {"PATH": os.environ["PATH"], "HOME": lab.directory, "XDG_RUNTIME_DIR": lab.directory,
               "DISPLAY": f":{display}", "LC_ALL": "C.UTF-8", "GSETTINGS_BACKEND": "memory",
               "GTK_OVERLAY_SCROLLING": "0"}
    finally:
        for pid in lab.pc1.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        screen.wait()


def test_a_port_is_mapped_and_unmapped_by_hand(lab, upnpd, closing, desktop):
    closing(WebServer(lab.pc1, 4000, "a page of the PC"))
    said = pathlib.Path(lab.directory, "user")
    with open(said, "w") as output:
        user = lab.pc1.start("dbus-run-session", "--", PYTHON,
                             os.path.join(os.path.dirname(__file__), "universal_cp_user.py"), lab.pc1.address,
                             "8093", "4000", input=subprocess.PIPE, output=output, env=desktop)

    def says(line):
        wait_until(lambda: line in said.read_text().splitlines() or user.poll() is not None, 40, said.read_text)
        assert user.poll() is None, said.read_text()
    try:
        assert is_closed(lab.inet1, lab.wan_address, 8093)
        says("invoked AddPortMapping")
        wait_until(upnpd.mappings, 5, upnpd.log)
        assert fetch(lab.inet1, lab.wan_address, 8093) == "a page of the PC"
        assert [m["description"] for m in upnpd.mappings()] == ["typed by hand"]
        user.stdin.write(b"\n")
        user.stdin.flush()
        says("invoked DeletePortMapping")
        wait_until(lambda: not upnpd.mappings(), 5, upnpd.log)
        assert is_closed(lab.inet1, lab.wan_address, 8093)
        user.communicate(b"\n", timeout=20)
        assert user.returncode == 0, said.read_text()
    finally:
        user.kill()
        user.wait()
