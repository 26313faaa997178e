"""Two programs want one port."""

import pytest

from igd_client import WAN_IP_1, WAN_IP_2, SoapFault, find_igd
from traffic import WebServer, fetch


@pytest.fixture(scope="module")
def igds(lab, upnpd):
    """The gateway as pc1 and as pc2 call it."""
    return find_igd(lab.pc1), find_igd(lab.pc2)


@pytest.mark.parametrize("service", [WAN_IP_1, WAN_IP_2])
def test_another_hosts_port_is_refused_with_718(lab, igds, closing, service):
    closing(WebServer(lab.pc1, 80, "first"))
    first, second = igds
    first.add(8080, 80)
    with pytest.raises(SoapFault) as refused:
        second.add(8080, 80, service=service)
    assert (refused.value.code, refused.value.status) == (718, 500)
    assert refused.value.description == "ConflictInMappingEntry"
    assert fetch(lab.inet1, lab.wan_address, 8080) == "first"
    first.delete(8080)


def test_the_other_protocol_of_the_port_is_free(igds):
    first, second = igds
    first.add(8081)
    second.add(8081, protocol="UDP")
    first.delete(8081)
    second.delete(8081, protocol="UDP")


def test_a_freed_port_can_be_had(igds):
    first, second = igds
    first.add(8082)
    first.delete(8082)
    second.add(8082)
    second.delete(8082)


def test_add_any_gives_the_port_when_free_and_another_when_taken(lab, igds, closing):
    closing(WebServer(lab.pc1, 80, "first"))
    closing(WebServer(lab.pc2, 80, "second"))
    first, second = igds
    assert first.add_any(8083, 80) == 8083
    other = second.add_any(8083, 80)
    assert other != 8083 and 1024 <= other <= 65535
    assert fetch(lab.inet1, lab.wan_address, 8083) == "first"
    assert fetch(lab.inet1, lab.wan_address, other) == "second"
    first.delete(8083)
    second.delete(other)


def test_another_remote_host_of_the_port_is_free_to_the_same_client_only(lab, igds):
    first, second = igds
    first.add(8084, remote_host=lab.inet1.address)
    first.add(8084, remote_host=lab.inet2.address)
    with pytest.raises(SoapFault) as refused:
        second.add(8084, remote_host="198.51.100.1")
    assert refused.value.code == 718
    first.delete(8084, remote_host=lab.inet1.address)
    first.delete(8084, remote_host=lab.inet2.address)


def test_another_hosts_mapping_cannot_be_deleted(lab, igds, closing):
    closing(WebServer(lab.pc1, 80, "first"))
    first, second = igds
    first.add(8085, 80)
    with pytest.raises(SoapFault) as refused:
        second.delete(8085)
    assert refused.value.code in (606, 714)
    assert fetch(lab.inet1, lab.wan_address, 8085) == "first"
    first.delete(8085)
