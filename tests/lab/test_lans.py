"""Two LANs with one upnpd: each by its own address, neither reaches into the other."""

import pytest

from daemon import Upnpd
from igd_client import FIREWALL, IGD1, IGD2, SoapFault, find_igd, ssdp_answers
from ipv6 import add_ipv6
from traffic import UdpEcho, WebServer, fetch


@pytest.fixture(scope="module")
def upnpd(lab):
    upnpd = Upnpd(lab, listening_ip=["lan", "guest"]).start()
    upnpd.wait_until_ready(lab.visitor)
    return upnpd


def test_each_lan_is_answered_once_and_by_its_own_address(lab, upnpd):
    for host, address in ((lab.pc1, lab.lan_address), (lab.visitor, lab.guest_address)):
        locations = {answer["LOCATION"] for answer in ssdp_answers(host, IGD1, timeout=1)}
        assert len(locations) == 1 and locations.pop().startswith(f"http://{address}:")


def test_each_lan_maps_and_each_lan_has_an_announcer(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "home"))
    closing(WebServer(lab.visitor, 80, "guest"))
    find_igd(lab.pc1).add(8080, 80)
    find_igd(lab.visitor).add(8081, 80)
    assert fetch(lab.inet1, lab.wan_address, 8080) == "home"
    assert fetch(lab.inet1, lab.wan_address, 8081) == "guest"
    assert len([p for p in upnpd.status()["processes"] if p["role"] == "announcer"]) == 2


def test_a_mapped_port_is_reached_from_the_other_lan_by_the_external_address(lab, upnpd, closing):
    closing(WebServer(lab.pc1, 80, "home"))
    find_igd(lab.pc1).add(8082, 80)
    assert fetch(lab.visitor, lab.wan_address, 8082) == "home"


def test_another_tables_redirect_between_lans_keeps_the_callers_address(lab, upnpd, closing):
    echo = closing(UdpEcho(lab.visitor, 5000))
    lab.nft("table ip redirects { chain prerouting { type nat hook prerouting priority dstnat;\n"
            f'  iifname "lan" udp dport 53 dnat to {lab.visitor.address}:5000\n}}\n}}')
    try:
        with lab.pc1.udp(4000, timeout=1) as asking:
            asking.sendto(b"hello", (lab.inet1.address, 53))
            assert asking.recvfrom(16)[0] == b"hello"
    finally:
        lab.nft("delete table ip redirects")
    assert echo.senders == [(lab.pc1.address, 4000)]


def test_a_guest_cannot_map_a_host_of_the_lan(lab, upnpd):
    with pytest.raises(SoapFault) as refused:
        find_igd(lab.visitor).add(8083, 80, client=lab.pc1.address)
    assert refused.value.code == 718


def test_a_guest_cannot_use_the_lans_ports(lab, upnpd):
    lan = next(entry for entry in upnpd.status()["lans"] if entry["interface"] == "lan")
    for port in (lan["http_port"], lan["event_port"]):
        with pytest.raises(OSError):
            lab.visitor.connect(lab.lan_address, port, timeout=0.3).close()


def test_a_guest_neither_sees_nor_deletes_what_leads_to_the_lan(lab, make_lab):
    """Without secure_mode, which says as much for every host."""
    home = make_lab()
    upnpd = Upnpd(home, listening_ip=["lan", "guest"], secure_mode="no").start()
    upnpd.wait_until_ready(home.visitor)
    find_igd(home.pc1).add(8080, 80)
    guest = find_igd(home.visitor)
    guest.add(8081, 80)
    for action in (guest.get, guest.delete):
        with pytest.raises(SoapFault) as refused:
            action(8080)
        assert refused.value.code == 606
    with pytest.raises(SoapFault) as refused:
        guest.add(8082, 80, client=home.pc1.address)
    assert refused.value.code == 718
    entries = [guest.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0})["NewExternalPort"]]
    with pytest.raises(SoapFault):
        entries.append(guest.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 1}))
    assert entries == ["8081"]
    find_igd(home.pc2).delete(8080)


def test_no_search_is_answered_with_the_other_lans_location(lab, upnpd):
    for to in ("239.255.255.250", lab.lan_address, lab.guest_address):
        for answer in ssdp_answers(lab.visitor, IGD1, timeout=0.5, to=(to, 1900)):
            assert answer["LOCATION"].startswith(f"http://{lab.guest_address}:"), to


def test_a_permission_line_for_a_lans_network_is_that_lans_policy(lab, make_lab):
    home = make_lab()
    upnpd = Upnpd(home, listening_ip=["lan", "guest"], permissions=(
        "deny 0-65535 192.168.78.0/24 0-65535", "allow 1024-65535 0.0.0.0/0 80-65535")).start()
    upnpd.wait_until_ready(home.visitor)
    find_igd(home.pc1).add(8080, 80)
    with pytest.raises(SoapFault) as refused:
        find_igd(home.visitor).add(8081, 80)
    assert refused.value.code == 606


def test_a_pinhole_is_its_hosts_whichever_lan_is_named_first(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    upnpd = Upnpd(lab).start()
    by_id = {"UniqueID": find_igd(lab.pc1, IGD2).call("AddPinhole", {
        "RemoteHost": "", "RemotePort": 0, "InternalClient": lab.pc1.address6, "InternalPort": 4000, "Protocol": 17,
        "LeaseTime": 600}, FIREWALL)["UniqueID"]}
    upnpd.stop()
    with open(upnpd.config) as config:
        settings = config.read()
    with open(upnpd.config, "w") as config:
        config.write(settings.replace("listening_ip=lan", "listening_ip=guest\nlistening_ip=lan"))
    upnpd.start()
    igd = find_igd(lab.pc1, IGD2)
    igd.call("UpdatePinhole", {**by_id, "NewLeaseTime": 600}, FIREWALL)
    igd.call("DeletePinhole", by_id, FIREWALL)
