"""DeletePortMappingRange and GetListOfPortMappings of WANIPConnection:2."""

import http.client
import socket
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

from daemon import Upnpd
from igd_client import WAN_IP_2, SoapFault, envelope, find_igd, mapping_arguments, soap_answer
from namespace import wait_until
from traffic import WebServer, fetch, is_closed

MANY = 10_000
_LISTING = "{urn:schemas-upnp-org:gw:WANIPConnection}"
_NAMES = ["NewRemoteHost", "NewExternalPort", "NewProtocol", "NewInternalPort", "NewInternalClient",
          "NewEnabled", "NewDescription", "NewLeaseTime"]


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab, max_mappings=2 * MANY, max_mappings_per_host=2 * MANY).start()


@pytest.fixture(scope="module")
def igds(lab, upnpd):
    """The gateway as pc1 and as pc2 call it."""
    return find_igd(lab.pc1), find_igd(lab.pc2)


def delete_range(igd, first, last, protocol="TCP", manage="1"):
    igd.call("DeletePortMappingRange", {"NewStartPort": first, "NewEndPort": last, "NewProtocol": protocol,
                                        "NewManage": manage}, WAN_IP_2)


def listing(igd, first, last, number=0, protocol="TCP", manage="1"):
    answer = igd.call("GetListOfPortMappings", {
        "NewStartPort": first, "NewEndPort": last, "NewProtocol": protocol, "NewManage": manage,
        "NewNumberOfPorts": number}, WAN_IP_2)
    assert list(answer) == ["NewPortListing"]
    root = ElementTree.fromstring(answer["NewPortListing"])
    assert root.tag == _LISTING + "PortMappingList"
    entries = [{child.tag: child.text or "" for child in entry} for entry in root]
    assert all(list(entry) == [_LISTING + name for name in _NAMES] for entry in entries)
    return [{tag.removeprefix(_LISTING): text for tag, text in entry.items()} for entry in entries]


def query(igd, name):
    control = "urn:schemas-upnp-org:control-1-0"
    return int(soap_answer(*igd.post(WAN_IP_2, "", envelope(control, "QueryStateVariable", {"varName": name}),
                                     f'"{control}#QueryStateVariable"'))["return"])


def ports(entries):
    return [int(entry["NewExternalPort"]) for entry in entries]


def error_of(call):
    with pytest.raises(SoapFault) as refused:
        call()
    return refused.value.code


def test_a_host_lists_its_own_mappings_by_port(lab, igds):
    first, second = igds
    awkward = "a <b> & \"c\": ]]> ü"
    first.add(4002, 80, lease=100, description=awkward, service=WAN_IP_2)
    first.add(4000, 81, enabled="0", remote_host=lab.inet1.address, service=WAN_IP_2)
    first.add(4000, protocol="UDP")
    second.add(4001)
    entries = listing(first, 1, 65535)
    assert ports(entries) == [4000, 4002]
    assert int(entries[1].pop("NewLeaseTime")) in range(95, 101)
    assert entries[1] == {"NewRemoteHost": "", "NewExternalPort": "4002", "NewProtocol": "TCP",
                          "NewInternalPort": "80", "NewInternalClient": lab.pc1.address, "NewEnabled": "1",
                          "NewDescription": awkward}
    assert (entries[0]["NewRemoteHost"], entries[0]["NewEnabled"]) == (lab.inet1.address, "0")
    assert ports(listing(first, 1, 65535, number=1)) == [4000]
    assert ports(listing(first, 4001, 4002)) == [4002]
    assert ports(listing(second, 0, 65535)) == [4001]
    assert ports(listing(first, 4000, 4000, protocol="udp")) == [4000]
    assert error_of(lambda: listing(first, 4001, 4001)) == 730
    assert error_of(lambda: listing(first, 4002, 4001)) == 733
    assert error_of(lambda: listing(first, 1, 2, protocol="SCTP")) == 402


def test_a_range_is_deleted_and_what_is_anothers_stays(lab, igds, closing):
    first, second = igds
    closing(WebServer(lab.pc2, 4001, "the other's"))
    time.sleep(0.3)  # changes are told within 100 ms
    before = query(first, "SystemUpdateID")
    delete_range(first, 1, 65535, manage="1")
    wait_until(lambda: query(first, "SystemUpdateID") != before, 1, "the change is told")
    assert query(first, "SystemUpdateID") == before + 1
    assert query(first, "PortMappingNumberOfEntries") == 2
    assert error_of(lambda: listing(first, 1, 65535)) == 730
    assert error_of(lambda: delete_range(first, 1, 65535)) == 730
    assert error_of(lambda: delete_range(first, 2, 1)) == 733
    assert ports(listing(first, 1, 65535, protocol="UDP")) == [4000]
    assert ports(listing(second, 1, 65535)) == [4001]
    assert fetch(lab.inet1, lab.wan_address, 4001) == "the other's"
    delete_range(second, 4001, 4001)
    assert is_closed(lab.inet1, lab.wan_address, 4001)
    delete_range(first, 0, 65535, protocol="UDP")


def add_many(igd):
    """MANY mappings, over one connection."""
    parts = urllib.parse.urlsplit(igd.url(WAN_IP_2))
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    connection.sock = igd.host.connect(parts.hostname, parts.port, 5)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for port in range(20_000, 20_000 + MANY):
        connection.request("POST", parts.path, envelope(WAN_IP_2, "AddPortMapping", mapping_arguments(
            port, port, client=igd.host.address, description=f"game & <{port}>")), {
                "Content-Type": "text/xml", "SOAPAction": f'"{WAN_IP_2}#AddPortMapping"'})
        answer = connection.getresponse()
        soap_answer(answer.status, answer.headers, answer.read())
    connection.close()


def test_ten_thousand_entries_are_listed_and_deleted(lab, upnpd, igds):
    igd, other = igds
    before = upnpd.status()["processes"]
    add_many(igd)
    start = time.monotonic()
    entries = listing(igd, 1, 65535)
    listed = time.monotonic()
    assert ports(entries) == list(range(20_000, 20_000 + MANY))
    assert entries[7]["NewDescription"] == "game & <20007>"
    assert ports(listing(igd, 1, 65535, number=9_000))[-1] == 28_999
    start_deleting = time.monotonic()
    delete_range(igd, 20_000, 20_000 + MANY - 1)
    deleted = time.monotonic()
    print(f"listed in {listed - start:.2f} s, deleted in {deleted - start_deleting:.2f} s")
    assert "20007" not in lab.table()
    assert error_of(lambda: listing(igd, 1, 65535)) == 730
    assert upnpd.status()["processes"] == before
