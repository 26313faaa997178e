"""upnpd with the rights that the systemd unit leaves it. systemd itself is not run here."""

import os
import re
import signal

import pytest

import daemon
from daemon import Upnpd
from igd_client import find_igd
from namespace import wait_until
from test_install import CAPABILITIES, ROOT

UNIT = (ROOT / "packaging/systemd/upnpd.service").read_text()


@pytest.fixture(scope="module")
def confined(lab, tmp_path_factory):
    """upnpd with the unit's bounding set, on a file system it cannot write but for its own directories."""
    names = re.search(r"^CapabilityBoundingSet=(.*)", UNIT, re.MULTILINE).group(1).lower().replace("cap_", "+").split()
    wrapper = tmp_path_factory.mktemp("unit") / "upnpd"
    # The lab has given it /run and /var/lib of its own, as RuntimeDirectory= and StateDirectory= do.
    wrapper.write_text(f"""#!/bin/sh
mount --bind / / && mount -o remount,bind,ro /
exec setpriv --bounding-set=-all,{','.join(names)} --inh-caps=-all {daemon.UPNPD} "$@"
""")
    wrapper.chmod(0o755)
    real, daemon.UPNPD = daemon.UPNPD, str(wrapper)
    try:
        return Upnpd(lab, lease_file="/var/lib/upnpd/leases", admin_socket=None).start()
    finally:
        daemon.UPNPD = real


def bounding_set(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"^CapBnd:\t(\w+)", status.read(), re.MULTILINE).group(1), 16)


def test_it_maps_with_the_units_capabilities_alone(lab, confined):
    assert bounding_set(confined.pid).bit_count() == len(CAPABILITIES)
    find_igd(lab.pc1).add(8080, 80)
    assert "error" not in confined.log()


def test_a_child_that_is_gone_is_started_again(lab, confined):
    child = confined.pids()[1]
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: len(confined.pids()) == 3 and child not in confined.pids(), 10, "three processes again")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 10, "the LAN is served again")
    assert "cannot" not in confined.log()
