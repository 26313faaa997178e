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
    subscriber.wait_for("PortMappingNumberOfEntries", "1", seconds=1)
    igd.delete(8080)
    subscriber.wait_for("PortMappingNumberOfEntries", "0", seconds=1)
    igd.add(8080, lease=1)
    subscriber.wait_for("PortMappingNumberOfEntries", "1", seconds=1)
    subscriber.wait_for("PortMappingNumberOfEntries", "0", seconds=2)  # the lease's second and one more


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
        subscriber.wait_for("ExternalIPAddress", "203.0.113.99", seconds=1)
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\naddr del 203.0.113.99/32 dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    subscriber.wait_for("ExternalIPAddress", lab.wan_address, seconds=1)


def test_a_lost_wan_address_disconnects(lab, igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    lab.router.ip(f"addr del {lab.wan_address}/24 dev wan\n")
    try:
        changed = subscriber.wait_for("ConnectionStatus", "Disconnected", seconds=1)
        assert changed.get("ExternalIPAddress", "") == ""
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    subscriber.wait_for("ConnectionStatus", "Connected", seconds=1)


def test_a_subscription_can_be_renewed_and_ended(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    assert subscriber.renew() == 200
    with pytest.raises(AssertionError):
        subscriber.next(seconds=0.5)  # a renewal brings no event
    assert subscriber.unsubscribe() == 200
    assert subscriber.renew() == 412 and subscriber.unsubscribe() == 412
    igd.add(8080)
    igd.delete(8080)
    with pytest.raises(AssertionError):
        subscriber.next(seconds=0.7)


def test_events_are_numbered_and_carry_changes_alone(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    assert subscriber.next()[0] == 0
    igd.add(8080)
    assert subscriber.next() == (1, {"PortMappingNumberOfEntries": "1"})
    igd.add(8080, 80)  # overwritten: as many as before
    igd.delete(8080)
    assert subscriber.next() == (2, {"PortMappingNumberOfEntries": "0"})


def test_a_dozen_mappings_at_once_are_one_event_or_few(igd, closing):
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next()
    for port in range(8080, 8092):
        igd.add(port)
    subscriber.wait_for("PortMappingNumberOfEntries", "12", seconds=1)
    for port in range(8080, 8092):
        igd.delete(port)
    subscriber.wait_for("PortMappingNumberOfEntries", "0", seconds=1)


@pytest.mark.parametrize("headers, status", [
    ({"NT": "upnp:event"}, 412),
    ({"CALLBACK": "<http://192.168.77.10:9/>"}, 412),
    ({"CALLBACK": "<http://192.168.77.10:9/>", "NT": "upnp:something"}, 412),
    ({"CALLBACK": "nonsense", "NT": "upnp:event"}, 412),
    ({"SID": "uuid:00000000-0000-0000-0000-000000000000"}, 412),
    ({"SID": "uuid:00000000-0000-0000-0000-000000000000", "NT": "upnp:event"}, 400),
    ({"SID": "uuid:00000000-0000-0000-0000-000000000000", "CALLBACK": "<http://192.168.77.10:9/>"}, 400),
    ({}, 412),
], ids=str)
def test_a_wrong_subscription_is_refused(igd, headers, status):
    """UDA 1.1 sections 4.1.2 and 4.1.3."""
    assert igd.http("SUBSCRIBE", igd.url(WAN_IP_1, "eventSubURL"), headers)[0] == status


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


def black_hole(host):
    """A port of `host` that takes connections and never answers."""
    listener = host.socket()
    listener.bind(("", 0))
    listener.listen(16)
    return listener


@pytest.mark.parametrize("kind", ["gone", "silent", "swallowed"])
def test_dead_subscribers_delay_the_others_by_less_than_a_second(lab, upnpd, igd, closing, kind):
    """Five of pc2: their port is closed, or takes the event and says nothing, or drops every packet."""
    other = find_igd(lab.pc2)
    listener = closing(black_hole(lab.pc2))
    port = listener.getsockname()[1]
    for _ in range(5):
        assert other.http("SUBSCRIBE", other.url(WAN_IP_1, "eventSubURL"), {
            "CALLBACK": f"<http://{lab.pc2.address}:{port}/>", "NT": "upnp:event", "TIMEOUT": "Second-1800"})[0] == 200
    if kind == "gone":
        listener.close()
    if kind == "swallowed":
        lab.pc2.run("nft", f"add table ip hole; add chain ip hole in {{ type filter hook input priority 0; }}; "
                           f"add rule ip hole in tcp dport {port} drop", check=True)
    subscriber = closing(Subscriber(igd, WAN_IP_1))
    subscriber.next(seconds=1)
    for _ in range(3):
        igd.add(8080)
        subscriber.wait_for("PortMappingNumberOfEntries", "1", seconds=1)
        igd.delete(8080)
        subscriber.wait_for("PortMappingNumberOfEntries", "0", seconds=1)
    lab.pc2.run("nft", "delete", "table", "ip", "hole")


def test_a_subscription_ends_when_nobody_renews_it(igd, closing):
    kept, left = closing(Subscriber(igd, WAN_IP_1, "Second-2")), closing(Subscriber(igd, WAN_IP_1, "Second-2"))
    kept.next()
    left.next()
    time.sleep(1)
    assert kept.renew() == 200
    time.sleep(2.1)  # libupnp counts whole seconds
    assert left.renew() == 412
    igd.add(8080)
    kept.wait_for("PortMappingNumberOfEntries", "1", seconds=1)
    with pytest.raises(AssertionError):
        left.next(seconds=0.5)
    igd.delete(8080)
