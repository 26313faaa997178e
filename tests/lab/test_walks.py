"""A walk through the mappings by GetGenericPortMappingEntry, of which the gateway sends many at once: it shows each
change as soon as anybody knows of it, and many entries cost few questions."""

import pytest

from igd_client import SoapFault, find_igd
from namespace import wait_until


@pytest.fixture
def igd(lab, upnpd):
    for mapping in upnpd.mappings():
        upnpd.admin("delete", str(mapping["id"]))
    return find_igd(lab.pc1)


def port_at(igd, index):
    """The external port of the entry; None behind the last."""
    try:
        return int(igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": index})["NewExternalPort"])
    except SoapFault as fault:
        assert fault.code == 713
        return None


def walk(igd):
    ports = []
    while (port := port_at(igd, len(ports))) is not None:
        ports.append(port)
    return ports


def walk_on_after(igd, change):
    """The ports from the third on, of a walk that has come to the second when `change` is made."""
    assert port_at(igd, 0) and port_at(igd, 1)
    change()
    ports = []
    while (port := port_at(igd, 2 + len(ports))) is not None:
        ports.append(port)
    return ports


def test_a_walk_has_every_mapping_once(lab, upnpd, igd):
    for port in range(4000, 4100):
        igd.add(port)
    assert sorted(walk(igd)) == list(range(4000, 4100))


def test_a_walk_shows_what_anybody_has_been_told_of(lab, upnpd, igd):
    for port in range(4000, 4006):
        igd.add(port)
    assert set(walk_on_after(igd, lambda: igd.add(4006))) == {4002, 4003, 4004, 4005, 4006}
    assert 4004 not in walk_on_after(igd, lambda: igd.delete(4004))
    assert 4005 not in walk_on_after(igd, lambda: upnpd.admin(
        "delete", next(str(m["id"]) for m in upnpd.mappings() if m["external_port"] == 4005)))
    assert len(walk(igd)) == 5
    assert len(walk_on_after(igd, lambda: igd.call("DeletePortMapping", {
        "NewRemoteHost": "", "NewExternalPort": 4003, "NewProtocol": "TCP"}))) == 2


def test_a_walk_shows_a_renewed_lease_and_not_one_that_is_over(lab, upnpd, igd):
    for port in range(4000, 4003):
        igd.add(port)
    igd.add(4003, lease=3600)
    def lease_after(change):
        assert port_at(igd, 0) and port_at(igd, 1) and port_at(igd, 2)
        change()
        return int(igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 3})["NewLeaseDuration"])
    assert 7190 <= lease_after(lambda: igd.add(4003, lease=7200)) <= 7200
    assert lease_after(lambda: igd.add(4003, lease=1)) <= 1
    wait_until(lambda: len(upnpd.mappings()) == 3, 3, "the lease is over")
    assert port_at(igd, 3) is None
