"""Nobody gets, changes, deletes or sees what is another's, by whichever family it asks: the kernel's table is the
witness."""

import re

import pytest

from daemon import Upnpd
from families import FAMILIES
from igd6_client import igd_of, link_local_of
from igd_client import FIREWALL, IGD2, WAN_IP_1, WAN_IP_2, SoapFault, find_igd
from ipv6 import add_ipv6, wait_for_addresses
from namespace import wait_until

SERVICES = pytest.mark.parametrize("service", [WAN_IP_1, WAN_IP_2], ids=["v1", "v2"])
CHANNELS = ("mappings", "remote_mappings", "source_ports", "mapped_clients", "pinholes")


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    wait_for_addresses(lab)
    return lab


def elements(lab):
    """Everything in the kernel that a mapping or a pinhole puts there, without what passes with time."""
    table = re.sub(r" expires \S+| counter packets \d+ bytes \d+", "", lab.table())
    return {name: re.search(rf"(?:map|set) {name} {{.*?\n\t}}", table, re.DOTALL).group() for name in CHANNELS}


@pytest.fixture(scope="module")
def upnpd(lab):
    upnpd = Upnpd(lab, listening_ip=["lan", "guest"],
                  permissions=["allow 1024-65535 192.168.77.0/24 1024-65535",
                               "allow 5000-5999 192.168.78.0/24 1024-65535",
                               "allow 1024-65535 2001:db8::/32 1024-65535",
                               "deny 0-65535 0.0.0.0/0 0-65535"]).start()
    upnpd.wait_until_ready(lab.visitor)
    for host in (lab.pc1, lab.pc2):
        wait_until(lambda: FAMILIES[1].search(host, "ff02::c", "upnp:rootdevice"), 5, upnpd.log)
    return upnpd


@pytest.fixture(scope="module")
def owner(lab, upnpd):
    """pc1 with three mappings that everybody is after."""
    igd = find_igd(lab.pc1)
    igd.add(8080, description="mine")
    igd.add(8081, remote_host=lab.inet1.address)
    igd.add(8082, protocol="UDP", lease=3600)
    return igd


@pytest.fixture(scope="module", params=["pc2", "pc2 over IPv6", "visitor"])
def thief(lab, upnpd, owner, request):
    host, _, by_ipv6 = request.param.partition(" ")
    return FAMILIES[1 if by_ipv6 else 0].igd(getattr(lab, host))


@pytest.fixture
def untouched(lab, owner):
    before = elements(lab)
    yield
    assert elements(lab) == before


def refused(call):
    with pytest.raises(SoapFault) as fault:
        call()
    return fault.value.code


# Whatever a single host cannot be, and whoever else there is (UPnProxy, EternalSilence).
NOT_ONES_OWN = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "169.254.1.1", "224.0.0.1", "239.255.255.250",
                "240.0.0.1", "255.255.255.255", "192.168.77.0", "192.168.77.255", "192.168.77.1", "192.168.78.1",
                "203.0.113.1", "203.0.113.10", "8.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.77.10", "192.168.77.99",
                "192.168.76.20", "100.64.0.1", "192.168.78.99"]
NO_ADDRESSES = ["localhost", "router.lan", "192.168.77.20.evil.example", "192.168.077.020", "0xc0a84d14", "3232255252",
                "192.168.77", "192.168.77.20/32", "192.168.77.20:80", "::ffff:192.168.77.20", "fe80::1", " ; reboot",
                "$(reboot)", "`reboot`", "192.168.77.20;reboot", "192.168.77.20\n192.168.77.1", "%s%n"]


@SERVICES
@pytest.mark.parametrize("address", NOT_ONES_OWN)
def test_a_mapping_leads_to_its_caller_alone(thief, untouched, service, address):
    code = refused(lambda: thief.add(5050, client=address, service=service))
    assert code in ((718, 600) if service == WAN_IP_1 else (606, 600))


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_literal_address_is_refused_and_not_tried(thief, untouched, text):
    assert refused(lambda: thief.add(5050, client=text)) in (600, 402)
    assert refused(lambda: thief.add(5050, remote_host=text)) in (600, 402)


@SERVICES
def test_anothers_mapping_is_not_taken_over(thief, untouched, service):
    for port, protocol, remote in ((8080, "TCP", ""), (8080, "TCP", "198.51.100.7"), (8082, "UDP", "")):
        assert refused(lambda: thief.add(port, 8080, protocol, remote_host=remote, service=service)) in (718, 606)
        assert refused(lambda: thief.add(port, 8080, protocol, remote_host=remote, client="192.168.77.10",
                                         service=service)) in (718, 606)


def test_add_any_takes_another_port_than_anothers(lab, thief):
    before = elements(lab)
    port = thief.add_any(8080 if thief.host is lab.pc2 else 5080)
    assert port != 8080
    thief.delete(port, service=WAN_IP_2)
    assert elements(lab) == before


@SERVICES
def test_anothers_mapping_is_not_deleted(lab, thief, untouched, service):
    assert refused(lambda: thief.delete(8080, service=service)) == 606
    assert refused(lambda: thief.delete(8081, remote_host=lab.inet1.address, service=service)) == 606
    assert refused(lambda: thief.delete(8082, "UDP", service=service)) == 606


@pytest.mark.parametrize("manage", ["0", "1", "yes"])
def test_a_range_takes_nothing_of_others_whatever_new_manage_says(thief, untouched, manage):
    for protocol in ("TCP", "UDP"):
        assert refused(lambda: thief.call("DeletePortMappingRange", {
            "NewStartPort": 0, "NewEndPort": 65535, "NewProtocol": protocol, "NewManage": manage},
            WAN_IP_2)) == 730


@SERVICES
def test_anothers_mapping_is_not_shown(lab, thief, untouched, service):
    assert refused(lambda: thief.get(8080, service=service)) == 606
    assert refused(lambda: thief.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0}, service)) == 713
    assert refused(lambda: thief.call("GetListOfPortMappings", {
        "NewStartPort": 0, "NewEndPort": 65535, "NewProtocol": "TCP", "NewManage": "1", "NewNumberOfPorts": 0},
        WAN_IP_2)) == 730


def test_each_lan_has_its_own_policy(lab, upnpd, owner):
    guest = find_igd(lab.visitor)
    guest.add(5000)
    guest.delete(5000)
    assert refused(lambda: guest.add(4000)) == 606
    assert refused(lambda: guest.add(6000)) == 606
    owner.add(4000)
    owner.delete(4000)


@pytest.mark.parametrize("action, service, arguments", [
    ("ForceTermination", WAN_IP_1, {}),
    ("RequestTermination", WAN_IP_1, {}),
    ("SetConnectionType", WAN_IP_1, {"NewConnectionType": "Unconfigured"}),
    ("SetDefaultConnectionService", "urn:schemas-upnp-org:service:Layer3Forwarding:1",
     {"NewDefaultConnectionService": "uuid:x:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1"}),
], ids=lambda x: x if isinstance(x, str) and ":" not in x else "")
def test_nobody_steers_the_connection(lab, upnpd, owner, action, service, arguments):
    refused(lambda: owner.call(action, arguments, service))
    assert owner.call("GetStatusInfo")["NewConnectionStatus"] == "Connected"


# ---- pinholes: a host's IPv6 addresses are its own ----

@pytest.fixture(scope="module")
def pinhole(lab, upnpd):
    """The UniqueID of one of pc1's."""
    return int(add_pinhole(igd_of(lab.pc1), lab.pc1.address6)["UniqueID"])


def add_pinhole(igd, client, port=4000, protocol=17):
    return igd.call("AddPinhole", {"RemoteHost": "", "RemotePort": 0, "InternalClient": client, "InternalPort": port,
                                   "Protocol": protocol, "LeaseTime": 600}, FIREWALL)


@pytest.fixture(scope="module", params=["IPv4", "IPv6"])
def pinhole_thief(lab, pinhole, request):
    return find_igd(lab.pc2, IGD2) if request.param == "IPv4" else igd_of(lab.pc2)


# Of another host, of the router on each side, of other LANs and the internet, and of nobody in particular.
NO_HOST_OF_ONES_OWN = ["2001:db8:77::10", "2001:db8:77::99", "2001:db8:77::1", "2001:db8:77::", "fd00:77::1",
                       "2001:db8:78::30", "2001:db8:78::1", "2001:db8:f::1", "2001:db8:f::10", "::", "::1", "ff02::1",
                       "ff05::c", "::ffff:192.168.77.20", "2002:c0a8:4d14::1", "fe80::1"]


@pytest.mark.parametrize("address", NO_HOST_OF_ONES_OWN)
def test_a_pinhole_leads_to_its_caller_alone(pinhole_thief, untouched, address):
    assert refused(lambda: add_pinhole(pinhole_thief, address)) in (606, 708)


@pytest.mark.parametrize("text", ["", "localhost", "evil.example", "2001:db8:77::20/64", "[2001:db8:77::20]",
                                  "2001:db8:77::20%eth0", "2001:db8:77::20;reboot", "2001:db8:77:::20", "192.168.77.20"])
def test_what_is_no_literal_ipv6_address_has_no_pinhole(pinhole_thief, untouched, text):
    assert refused(lambda: add_pinhole(pinhole_thief, text)) in (402, 600, 606, 708)


def test_the_routers_link_local_address_has_no_pinhole(lab, pinhole_thief, untouched):
    for interface in ("lan", "wan"):
        assert refused(lambda: add_pinhole(pinhole_thief, link_local_of(lab.router, interface))) == 606


def test_anothers_pinhole_is_neither_changed_nor_deleted_nor_read(pinhole_thief, untouched, pinhole):
    for action, arguments in (("UpdatePinhole", {"NewLeaseTime": 3600}), ("DeletePinhole", {}), ("GetPinholePackets", {}),
                              ("CheckPinholeWorking", {})):
        assert refused(lambda: pinhole_thief.call(action, {"UniqueID": pinhole, **arguments}, FIREWALL)) == 606, action


def test_every_unique_id_that_is_tried_is_refused(pinhole_thief, untouched):
    for number in (0, *range(1, 40), 65535):
        assert refused(lambda: pinhole_thief.call("DeletePinhole", {"UniqueID": number}, FIREWALL)) in (606, 704)
