"""Every search leads to the description that its kind of client understands (IGD:1 or IGD:2)."""

import shutil

import pytest

from daemon import UUID
from igd_client import IGD1, IGD2, LAYER3, WAN_COMMON, WAN_IP_1, WAN_IP_2, Igd, find_igd, ssdp_answers

DEVICE = "urn:schemas-upnp-org:device:"
LEADS_TO = [
    ("upnp:rootdevice", IGD1),
    ("uuid:" + UUID, IGD1),
    (IGD1, IGD1),
    (DEVICE + "WANDevice:1", IGD1),
    (DEVICE + "WANConnectionDevice:1", IGD1),
    (WAN_IP_1, IGD1),
    (WAN_COMMON, IGD1),
    (LAYER3, IGD1),
    (IGD2, IGD2),
    (DEVICE + "WANDevice:2", IGD2),
    (DEVICE + "WANConnectionDevice:2", IGD2),
    (WAN_IP_2, IGD2),
]


@pytest.mark.parametrize("target, document", LEADS_TO)
def test_a_search_leads_to_the_right_description(lab, upnpd, target, document):
    answers = ssdp_answers(lab.pc1, target, timeout=2, first_only=True)
    assert answers, upnpd.log()
    assert answers[0]["ST"] == target
    assert answers[0]["USN"].startswith("uuid:")
    assert Igd(lab.pc1, answers[0]["LOCATION"]).device_type == document


def test_ssdp_all_is_answered_for_every_type_and_leads_to_igd1(lab, upnpd):
    answers = ssdp_answers(lab.pc1, "ssdp:all", timeout=3)
    found = {answer["ST"] for answer in answers}
    assert {target for target, document in LEADS_TO if document == IGD1} <= found
    for location in {answer["LOCATION"] for answer in answers}:
        assert Igd(lab.pc1, location).device_type == IGD1


def test_an_unknown_type_is_not_answered(lab, upnpd):
    assert ssdp_answers(lab.pc1, DEVICE + "MediaServer:1", timeout=1) == []
    assert ssdp_answers(lab.pc1, DEVICE + "InternetGatewayDevice:3", timeout=1) == []


def test_a_unicast_search_is_answered(lab, upnpd):
    answers = ssdp_answers(lab.pc1, IGD1, to=(lab.lan_address, 1900), first_only=True)
    assert answers and answers[0]["LOCATION"].startswith(f"http://{lab.lan_address}:")


@pytest.mark.parametrize("target", [IGD1, IGD2])
def test_every_url_of_the_description_can_be_fetched(lab, upnpd, target):
    igd = find_igd(lab.pc1, target)
    version = target[-1]
    assert WAN_IP_1[:-1] + version in igd.service_types()
    for service in igd.service_types():
        status, headers, body = igd.http("GET", igd.url(service, "SCPDURL"))
        assert status == 200 and b"<scpd" in body, service
        assert headers["Content-Type"].startswith("text/xml"), service


def test_upnpc_finds_the_gateway(lab, upnpd):
    if not shutil.which("upnpc"):
        pytest.skip("upnpc (miniupnpc) is not installed")
    # -i: upnpc takes a gateway with a documentation address for one that is not connected.
    listing = lab.pc1.run("upnpc", "-i", "-s").stdout
    assert f" IGD : http://{lab.lan_address}:" in listing
    assert f"ExternalIPAddress = {lab.wan_address}" in listing, listing


@pytest.mark.parametrize("target", ["upnp:rootdevice", IGD1, IGD2, WAN_IP_2])
def test_gssdp_discover_finds_the_gateway(lab, upnpd, target):
    if not shutil.which("gssdp-discover"):
        pytest.skip("gssdp-discover (gupnp-tools) is not installed")
    listing = lab.pc1.run("gssdp-discover", "-i", "eth0", "-t", target, "-n", "2").stdout
    assert f"http://{lab.lan_address}:" in listing, listing
