"""What goes wrong around upnpd, and that it goes on."""

import os
import signal
import time

import pytest

from daemon import CAN_MAP, Upnpd
from igd_client import find_igd
from namespace import wait_until
from traffic import WebServer, fetch, is_closed


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


def test_a_lan_that_goes_while_its_announcer_is_being_replaced_comes_back(lab, upnpd):
    os.kill(upnpd.process("announcer")["pid"], signal.SIGKILL)
    lab.router.ip("link set lan down\n")
    try:
        time.sleep(0.5)
    finally:
        lab.router.ip("link set lan up\n")
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 5, "the LAN is served again")


def test_a_mapping_that_policy_no_longer_permits_does_not_come_back(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80)
    upnpd.kill()
    with open(upnpd.config) as config:
        lines = config.read().replace(CAN_MAP, "deny 8080 0.0.0.0/0 0-65535\n" + CAN_MAP)
    with open(upnpd.config, "w") as config:
        config.write(lines)
    upnpd.start()
    assert [m["external_port"] for m in upnpd.mappings()] == [8081]
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    assert fetch(lab.inet1, lab.wan_address, 8081) == "a page"
    assert "TCP 8080 of 192.168.77.10 is not put back: denied by" in upnpd.log()


def test_a_spoilt_line_of_the_journal_costs_that_line_alone(lab, upnpd):
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    igd.add(8081, 80)
    assert upnpd.stop() == 0
    with open(upnpd.lease_file) as journal:
        lines = journal.read().replace('"external_port":8080', '"external_port":808080')
    with open(upnpd.lease_file, "w") as journal:
        journal.write(lines + '{"put":9,"at":1')
    upnpd.start()
    assert [m["external_port"] for m in upnpd.mappings()] == [8081]
    assert igd.get(8081)["NewInternalPort"] == "80"


def test_deleting_and_adding_at_once_ends_no_connection(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    with lab.inet1.connect(lab.wan_address, 8080) as connection:
        igd.delete(8080)
        igd.add(8080, 80)
        time.sleep(0.2)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"a page" in connection.makefile("rb").read()
