"""Subscribers hear of what changes (GENA), and of nothing else is anybody bothered."""

import time

import pytest

from gena import Subscriber
from igd_client import LAYER3, WAN_COMMON, WAN_IP_1, find_igd
from traffic import Capture


@pytest.fixture
def igd(lab, upnpd):
    return find_igd(lab.pc1)


def test_the_first_event_carries_every_evented_variable(lab, igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    assert subscriber.status == 200 and subscriber.sid.startswith("uuid:")
    assert int(subscriber.granted.removeprefix("Second-")) >= 1800
    sequence, variables = subscriber.next()
    assert sequence == 0
    assert variables["ExternalIPAddress"] == lab.wan_address
    assert variables["ConnectionStatus"] == "Connected"
    assert variables["PortMappingNumberOfEntries"] == "0"
    assert "PossibleConnectionTypes" in variables


@pytest.mark.parametrize("service, variable, value", [
    (WAN_COMMON, "PhysicalLinkStatus", "Up"), (LAYER3, "DefaultConnectionService", None)])
def test_the_other_services_have_events_too(igd, closing, service, variable, value):
    _, variables = closing(Subscriber(igd, service)).next()
    assert variable in variables and value in (None, variables[variable])


def test_a_mapping_is_evented_when_it_comes_and_when_it_goes(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    igd.add(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "1")
    igd.delete(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "0")
    igd.add(8080, lease=1)
    subscriber.wait_for("PortMappingNumberOfEntries", "1")
    subscriber.wait_for("PortMappingNumberOfEntries", "0")


def test_igd2_events_the_system_update_id(lab, upnpd, closing):
    igd = find_igd(lab.pc1, "urn:schemas-upnp-org:service:WANIPConnection:2")
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    before = int(subscriber.next()[1]["SystemUpdateID"])
    igd.add(8080)
    subscriber.wait_for("SystemUpdateID", str(before + 1))
    igd.delete(8080)
    subscriber.wait_for("SystemUpdateID", str(before + 2))


def test_a_new_wan_address_is_evented(lab, igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    lab.router.ip("addr add 203.0.113.99/32 dev wan\n" f"addr del {lab.wan_address}/24 dev wan\n")
    try:
        subscriber.wait_for("ExternalIPAddress", "203.0.113.99")
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\naddr del 203.0.113.99/32 dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    subscriber.wait_for("ExternalIPAddress", lab.wan_address)


def test_a_lost_wan_address_disconnects(lab, igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    lab.router.ip(f"addr del {lab.wan_address}/24 dev wan\n")
    try:
        changed = subscriber.wait_for("ConnectionStatus", "Disconnected")
        assert changed.get("ExternalIPAddress", "") == ""
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    subscriber.wait_for("ConnectionStatus", "Connected")


def test_a_subscription_can_be_renewed_and_ended(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    assert subscriber.renew() == 200
    assert subscriber.unsubscribe() == 200
    assert subscriber.renew() == 412


@pytest.mark.parametrize("headers", [
    {"NT": "upnp:event"},
    {"CALLBACK": "<http://192.168.77.10:9/>", "NT": "upnp:something"},
    {"SID": "uuid:00000000-0000-0000-0000-000000000000"},
    {"CALLBACK": "nonsense", "NT": "upnp:event"},
], ids=str)
def test_a_wrong_subscription_is_refused(igd, headers):
    status, _, _ = igd.http("SUBSCRIBE", igd.url(WAN_IP_1, "eventSubURL"), headers)
    assert status in (400, 412)


def test_a_callback_to_the_internet_or_another_network_is_never_called(lab, upnpd, igd):
    """CallStranger, CVE-2020-12695."""
    capture = Capture(lab.inet1)
    router = Capture(lab.visitor)
    for address in (lab.inet1.address, lab.visitor.address, lab.guest_address):
        try:
            igd.http("SUBSCRIBE", igd.url(WAN_IP_1, "eventSubURL"), {
                "CALLBACK": f"<http://{address}:7777/>", "NT": "upnp:event", "TIMEOUT": "Second-1800"})
        except OSError:
            pass
    igd.add(8080)
    igd.delete(8080)
    time.sleep(0.7)
    capture.close()
    router.close()
    for packet in capture.ipv4_packets() + router.ipv4_packets():
        assert 7777 not in packet[3:5], packet


def test_a_subscriber_that_went_away_does_not_delay_the_others(lab, upnpd, igd, closing):
    for _ in range(3):
        Subscriber(igd, WAN_IP_1).close()
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    igd.add(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "1", seconds=3)
    igd.delete(8080)
