"""What an action is refused with, and what it takes all the same from the clients of this world."""

import pytest

from daemon import Upnpd
from igd_client import (IGD1, IGD2, LAYER3, WAN_COMMON, WAN_IP_1, WAN_IP_2, SoapFault, envelope, find_igd,
                        mapping_arguments, soap_answer)

V1, V2 = WAN_IP_1, WAN_IP_2
MAX_PER_HOST = 4


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab, max_mappings_per_host=MAX_PER_HOST).start()


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


def error_of(call):
    with pytest.raises(SoapFault) as refused:
        call()
    assert refused.value.status == 500
    return refused.value.code


# (what is changed of a good AddPortMapping, error by v1's rules, by v2's); SPEC.md sections 2 and 4.
REFUSED = [
    ({"NewExternalPort": None}, 402, 402),
    ({"NewInternalClient": None}, 402, 402),
    ({"NewExternalPort": ""}, 402, 402),
    ({"NewExternalPort": "http"}, 402, 402),
    ({"NewExternalPort": "-1"}, 601, 601),
    ({"NewExternalPort": "65536"}, 601, 601),
    ({"NewExternalPort": "99999999999999999999"}, 601, 601),
    ({"NewInternalPort": "4000x"}, 402, 402),
    ({"NewLeaseDuration": "forever"}, 402, 402),
    ({"NewEnabled": "maybe"}, 402, 402),
    ({"NewProtocol": "SCTP"}, 601, 601),
    ({"NewProtocol": ""}, 601, 601),
    ({"NewInternalClient": "localhost"}, 600, 600),
    ({"NewInternalClient": "pc1.lan"}, 600, 600),
    ({"NewInternalClient": "192.168.77.010"}, 600, 600),
    ({"NewInternalClient": "192.168.77.20"}, 718, 606),
    ({"NewInternalClient": "192.168.77.1"}, 718, 606),
    ({"NewInternalClient": "192.168.77.255"}, 718, 606),
    ({"NewInternalClient": "203.0.113.1"}, 718, 606),
    ({"NewInternalClient": "198.51.100.7"}, 718, 606),
    ({"NewInternalClient": "127.0.0.1"}, 718, 606),
    ({"NewInternalClient": "224.0.0.1"}, 718, 606),
    ({"NewInternalClient": "255.255.255.255"}, 718, 606),
    ({"NewInternalPort": "0"}, 402, 732),
    ({"NewExternalPort": "0"}, 716, 716),
    ({"NewRemoteHost": "www.example.org"}, 600, 600),
    ({"NewRemoteHost": "1.2.3"}, 600, 600),
    ({"NewExternalPort": "80"}, 606, 606),
    ({"NewInternalPort": "22"}, 606, 606),
]


@pytest.mark.parametrize("service", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("change, v1, v2", REFUSED, ids=lambda x: str(x) if isinstance(x, dict) else "")
def test_add_port_mapping_is_refused(upnpd, igd, service, change, v1, v2):
    arguments = mapping_arguments(client=igd.host.address, **change)
    assert error_of(lambda: igd.call("AddPortMapping", arguments, service)) == (v1 if service == V1 else v2)
    assert upnpd.mappings() == []


@pytest.mark.parametrize("action, arguments, service, error", [
    ("Reboot", {}, V1, 401),
    ("GetSpecificPortMappingEntry", {"NewRemoteHost": "", "NewProtocol": "TCP"}, V1, 402),
    ("GetSpecificPortMappingEntry",
     {"NewRemoteHost": "", "NewExternalPort": 4999, "NewProtocol": "TCP"}, V1, 714),
    ("DeletePortMapping", {"NewRemoteHost": "", "NewExternalPort": 4999, "NewProtocol": "TCP"}, V2, 714),
    ("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0}, V1, 713),
    ("GetGenericPortMappingEntry", {"NewPortMappingIndex": 65535}, V1, 713),
    ("GetGenericPortMappingEntry", {"NewPortMappingIndex": 65536}, V1, 601),
    ("GetGenericPortMappingEntry", {}, V1, 402),
    ("Reboot", {}, WAN_COMMON, 401),
    ("Reboot", {}, LAYER3, 401),
], ids=str)
def test_an_action_is_refused(igd, action, arguments, service, error):
    assert error_of(lambda: igd.call(action, arguments, service)) == error


@pytest.mark.parametrize("service, error", [(V1, 501), (V2, 728)], ids=["v1", "v2"])
def test_a_host_has_a_quota_and_another_host_its_own(lab, igd, service, error):
    for port in range(4000, 4000 + MAX_PER_HOST):
        igd.add(port)
    assert error_of(lambda: igd.add(4100, service=service)) == error
    igd.add(4000, description="its own place again")
    other = find_igd(lab.pc2)
    other.add(4100)
    other.delete(4100)
    for port in range(4000, 4000 + MAX_PER_HOST):
        igd.delete(port)


# (what is changed of a good AddPortMapping, the entry's values then)
ACCEPTED = [
    ({"NewProtocol": "tcp"}, {}),
    ({"NewInternalClient": ""}, {"NewInternalClient": "192.168.77.10"}),
    ({"NewRemoteHost": "*"}, {}),
    ({"NewRemoteHost": "0.0.0.0"}, {}),
    ({"NewEnabled": "true"}, {"NewEnabled": "1"}),
    ({"NewEnabled": "no"}, {"NewEnabled": "0"}),
    ({"NewPortMappingDescription": ""}, {"NewPortMappingDescription": ""}),
    ({"NewPortMappingDescription": "a < b & \"c\": <x/> ü €"},
     {"NewPortMappingDescription": "a < b & \"c\": <x/> ü €"}),
    ({"NewExternalPort": " 4000 "}, {}),
    ({"NewExternalPort": "65535"}, {}),
]


@pytest.mark.parametrize("change, entry", ACCEPTED, ids=lambda x: str(x))
def test_add_port_mapping_takes(igd, change, entry):
    arguments = mapping_arguments(client=igd.host.address, **change)
    port = int(arguments["NewExternalPort"])
    igd.call("AddPortMapping", arguments)
    found = igd.get(port)
    igd.delete(port)
    assert list(found) == ["NewInternalPort", "NewInternalClient", "NewEnabled", "NewPortMappingDescription",
                           "NewLeaseDuration"]
    assert {name: found[name] for name in entry} == entry


def test_arguments_can_come_in_any_order(igd):
    arguments = mapping_arguments(client=igd.host.address)
    igd.call("AddPortMapping", dict(reversed(arguments.items())))
    igd.delete(4000)


@pytest.mark.parametrize("soapaction", ["{}#{}", "'{}#{}'", '"{}#{}"', ' "{}#{}" '])
def test_the_soapaction_header_can_be_quoted_in_any_way(igd, soapaction):
    answer = igd.post(V1, "GetExternalIPAddress", envelope(V1, "GetExternalIPAddress"),
                      soapaction.format(V1, "GetExternalIPAddress"))
    assert "NewExternalIPAddress" in soap_answer(*answer)


@pytest.mark.parametrize("change", [
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: body.replace(b"<s:Body>", b"<s:Header><t:x xmlns:t='urn:t'/></s:Header><s:Body>"),
    lambda body: body.replace(b"s:", b"SOAP-ENV:").replace(b"xmlns:s=", b"xmlns:SOAP-ENV="),
    lambda body: body.replace(b"u:", b"m:").replace(b"xmlns:u=", b"xmlns:m="),
    lambda body: body.replace(b'<?xml version="1.0"?>\r\n', b""),
    lambda body: body.replace(b"<NewProtocol>", b'<NewProtocol xmlns:dt="urn:d" dt:dt="string">'),
    lambda body: body.replace(b"<NewRemoteHost></NewRemoteHost>", b"<NewRemoteHost />"),
], ids=["BOM", "Header", "SOAP-ENV", "m:", "no declaration", "dt:dt", "empty tag"])
def test_real_clients_ways_to_write_a_request(igd, change):
    body = envelope(V1, "AddPortMapping", mapping_arguments(client=igd.host.address))
    soap_answer(*igd.post(V1, "AddPortMapping", change(body)))
    igd.delete(4000)


def test_get_generic_lists_every_mapping_until_713(igd):
    for port in (4001, 4002, 4003):
        igd.add(port)
    igd.delete(4002)
    entries = [igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": i}) for i in (0, 1)]
    assert {entry["NewExternalPort"] for entry in entries} == {"4001", "4003"}
    assert list(entries[0]) == list(mapping_arguments())
    assert error_of(lambda: igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 2})) == 713
    igd.delete(4001)
    igd.delete(4003)


@pytest.mark.parametrize("target, services", [(IGD1, [V1]), (IGD2, [V1, V2])], ids=["igd1", "igd2"])
def test_the_actions_that_only_tell(lab, upnpd, target, services):
    igd = find_igd(lab.pc1, target)
    for service in services:
        assert igd.call("GetExternalIPAddress", service=service) == {"NewExternalIPAddress": lab.wan_address}
        assert igd.call("GetNATRSIPStatus", service=service) == {"NewRSIPAvailable": "0", "NewNATEnabled": "1"}
        status = igd.call("GetStatusInfo", service=service)
        assert list(status) == ["NewConnectionStatus", "NewLastConnectionError", "NewUptime"]
        assert (status["NewConnectionStatus"], status["NewLastConnectionError"]) == ("Connected", "ERROR_NONE")
        types = igd.call("GetConnectionTypeInfo", service=service)
        assert types["NewConnectionType"] == "IP_Routed" and "IP_Routed" in types["NewPossibleConnectionTypes"]
    link = igd.call("GetCommonLinkProperties", service=WAN_COMMON)
    assert list(link) == ["NewWANAccessType", "NewLayer1UpstreamMaxBitRate", "NewLayer1DownstreamMaxBitRate",
                          "NewPhysicalLinkStatus"]
    assert link["NewPhysicalLinkStatus"] == "Up"
    default = igd.call("GetDefaultConnectionService", service=LAYER3)["NewDefaultConnectionService"]
    assert default.startswith("uuid:") and default.endswith("urn:upnp-org:serviceId:WANIPConn1")


def test_the_totals_are_those_of_the_wan_link(lab, igd):
    def total(what):
        return int(igd.call(f"GetTotal{what}", service=WAN_COMMON)[f"NewTotal{what}"])
    whats = ("BytesSent", "BytesReceived", "PacketsSent", "PacketsReceived")
    before = [total(what) for what in whats]
    assert lab.pc1.run("ping", "-c", "3", "-i", "0.05", lab.inet1.address).returncode == 0
    grown = [total(what) - old for what, old in zip(whats, before)]
    assert all(3 * 84 <= growth < 5000 for growth in grown[:2]), grown
    assert all(3 <= growth < 50 for growth in grown[2:]), grown
