"""configId (UDA 1.1 sections 1.2 and 2.3): the descriptions' number, by which control points keep them."""

import pytest

from daemon import Upnpd
from igd_client import IGD1, IGD2, find_igd, ssdp_answers
from namespace import wait_until
from traffic import Capture


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab, friendly_name="Home").start()
    yield upnpd
    upnpd.discard()


@pytest.fixture
def heard(lab, closing):
    return closing(Capture(lab.pc1))


def announced(heard, kind):
    """The CONFIGID.UPNP.ORG of each ssdp:`kind` so far."""
    texts = [packet[5][8:].decode() for packet in heard.ipv4_packets() if b"NTS: ssdp:" + kind in packet[5]]
    fields = [dict(line.split(": ", 1) for line in text.split("\r\n")[1:] if line) for text in texts]
    return [int(field["CONFIGID.UPNP.ORG"]) for field in fields]


def described(host, target=IGD1):
    return int(find_igd(host, target).description.attrib["configId"])


def test_descriptions_and_announcements_have_the_same_number(lab, heard, upnpd):
    number = described(lab.pc1)
    assert 0 <= number <= 16777215
    assert described(lab.pc1, IGD2) == number
    assert {int(answer["CONFIGID.UPNP.ORG"]) for answer in ssdp_answers(lab.pc1, "ssdp:all")} == {number}
    upnpd.stop()
    for kind in (b"alive", b"byebye"):
        assert set(announced(heard, kind)) == {number}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_number_is_the_same_after_a_restart(lab, heard, upnpd, end):
    number = described(lab.pc1)
    getattr(upnpd, end)()
    upnpd.start()
    assert described(lab.pc1) == number
    assert set(announced(heard, b"alive")) == {number}


def test_another_description_has_another_number(lab, heard, upnpd):
    number = described(lab.pc1)
    with open(upnpd.config) as config:
        lines = config.read().replace("friendly_name=Home", "friendly_name=Another").splitlines()
    upnpd.configure(lines)
    assert upnpd.admin("reload").returncode == 0
    wait_until(lambda: announced(heard, b"alive")[-1] != number, 3, "another number is announced")
    assert described(lab.pc1) == described(lab.pc1, IGD2) == announced(heard, b"alive")[-1]
