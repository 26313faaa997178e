"""The one line the package adds to fw4, with packets, through reloads of fw4."""

import pytest

import fw4
from daemon import Upnpd
from igd_client import FIREWALL, IGD2, find_igd
from ipv6 import Udp6, udp6_passes
from traffic import WebServer, fetch, is_closed


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = fw4.alone(make_lab)
    lab.nft(fw4.ruleset())
    return lab


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab).start()


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    return igd


@pytest.fixture
def web(lab, igd, closing):
    return closing(WebServer(lab.pc1, 80, "a page"))


@pytest.fixture(autouse=True)
def loaded(lab):
    yield
    lab.nft(fw4.ruleset())


def pinholed(lab, closing):
    find_igd(lab.pc1, IGD2).call("AddPinhole", {
        "RemoteHost": "", "RemotePort": 0, "InternalClient": lab.pc1.address6, "InternalPort": 4000, "Protocol": 17,
        "LeaseTime": 600}, FIREWALL)
    return closing(Udp6(lab.pc1, 4000))


def test_a_mapping_opens_and_nothing_else_does(lab, web):
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    assert is_closed(lab.inet1, lab.wan_address, 8081)


def test_a_pinhole_opens_and_nothing_else_does(lab, upnpd, closing):
    other = closing(Udp6(lab.pc1, 4001))
    assert udp6_passes(lab.inet1, pinholed(lab, closing), lab.pc1.address6, 4000)
    assert not udp6_passes(lab.inet1, other, lab.pc1.address6, 4001)


def test_without_the_line_fw4_has_the_last_word(lab, web):
    lab.nft(fw4.ruleset(snippet=False))
    assert is_closed(lab.inet1, lab.wan_address, 8080)


def test_reloads_cost_no_mapping_and_no_connection(lab, upnpd, web):
    before = upnpd.mappings()
    with lab.inet1.connect(lab.wan_address, 8080) as connection:
        for _ in range(5):
            lab.nft(fw4.ruleset())
            assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"a page" in connection.makefile("rb").read()
    assert [(m["id"], m["external_port"]) for m in upnpd.mappings()] == [(m["id"], m["external_port"]) for m in before]


def test_a_restart_of_fw4_deletes_its_table_and_ours_stays(lab, web):
    lab.nft("delete table inet fw4")
    lab.nft(fw4.ruleset())
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"


def test_the_lan_goes_out_masqueraded_while_mapped(lab, web, closing):
    closing(WebServer(lab.inet1, 8000, "the internet"))
    assert fetch(lab.pc1, lab.inet1.address, 8000) == "the internet"
