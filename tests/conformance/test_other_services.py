"""The services beside WANIPConnection: every action with every argument missing, mistyped and out of
range, and every documented error reached; the tables are in other_tables.py."""

import xml.etree.ElementTree as ElementTree

import pytest

from daemon import Upnpd
from igd_client import IGD2, SoapFault, find_igd
from ipv6 import add_ipv6
from other_tables import (ACTIONS, COMMON, DOCUMENTED, ERRORS, FAILS_WHEN_GOOD, FIREWALL, FORWARDING, GOOD, NEVER,
                          SWITCHED_OFF)
from tables import MISTYPED, OUT_OF_RANGE

_SCPD = "{urn:schemas-upnp-org:service-1-0}"
QUOTA = 2


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    return lab


class Gateway:
    """upnpd as pc1 calls it, by values that stand for what only it knows."""

    def __init__(self, lab):
        self.igd = find_igd(lab.pc1, IGD2)
        default = self.igd.call("GetDefaultConnectionService", service=FORWARDING)["NewDefaultConnectionService"]
        self.words = {"{client}": lab.pc1.address6, "{others}": lab.pc2.address6, "{device}": default.partition(",")[0]}

    def arguments(self, service, action, change=None):
        values = {**GOOD, **(change or {})}
        named = {name: values[name] for name, _ in ACTIONS[service][action][0] if values[name] is not None}
        for word, meaning in self.words.items():
            named = {name: value.replace(word, str(meaning)) for name, value in named.items()}
        return named

    def call(self, service, action, change=None):
        return self.igd.call(action, self.arguments(service, action, change), service)

    def error(self, service, action, change=None):
        try:
            self.call(service, action, change)
        except SoapFault as fault:
            assert fault.status == 500 and fault.description
            return fault.code
        return None


@pytest.fixture(scope="module")
def upnpd(lab):
    return Upnpd(lab, max_mappings_per_host=QUOTA).start()


@pytest.fixture(scope="module")
def gateway(lab, upnpd):
    """pc2 has a pinhole too."""
    gateway = Gateway(lab)
    other = Gateway(lab)
    other.igd = find_igd(lab.pc2, IGD2)
    for host in (lab.pc1, lab.pc2):
        lab.router.run("ping", "-6", "-c1", host.address6)
    answer = other.call(FIREWALL, "AddPinhole", {"InternalClient": "{others}"})
    gateway.words["{others_id}"] = answer["UniqueID"]
    return gateway


@pytest.fixture(autouse=True)
def two_pinholes(request):
    """Each test begins with UDP 4000 and 4001 as the caller's only pinholes."""
    if "gateway" not in request.fixturenames:
        yield
        return
    gateway = request.getfixturevalue("gateway")
    ids = [gateway.call(FIREWALL, "AddPinhole", {"InternalPort": port})["UniqueID"] for port in ("4001", "4000")]
    gateway.words["{id}"] = ids[1]
    yield
    upnpd = request.getfixturevalue("upnpd")
    for pinhole in upnpd.admin_json("list", "pinholes")["pinholes"]:
        if str(pinhole["id"]) != gateway.words["{others_id}"]:
            upnpd.admin("delete", "pinhole", str(pinhole["id"]))


CASES = [(service, action) for service, actions in ACTIONS.items() for action in actions]
IN_ARGUMENTS = [(service, action, name, kind) for service, action in CASES for name, kind in ACTIONS[service][action][0]]


@pytest.mark.parametrize("service, action", CASES)
def test_an_action_answers_with_its_arguments_in_order(gateway, service, action):
    if action in FAILS_WHEN_GOOD:
        assert gateway.error(service, action) == FAILS_WHEN_GOOD[action]
    else:
        assert list(gateway.call(service, action)) == ACTIONS[service][action][1]


@pytest.mark.parametrize("service, action, name, kind", IN_ARGUMENTS)
def test_a_missing_argument_is_402(gateway, service, action, name, kind):
    assert gateway.error(service, action, {name: None}) == 402


@pytest.mark.parametrize("service, action, name, value", [
    (service, action, name, value) for service, action, name, kind in IN_ARGUMENTS for value in MISTYPED[kind]])
def test_a_mistyped_argument_is_402(gateway, service, action, name, value):
    assert gateway.error(service, action, {name: value}) == 402


@pytest.mark.parametrize("service, action, name, value", [
    (service, action, name, value) for service, action, name, kind in IN_ARGUMENTS for value in OUT_OF_RANGE[kind]])
def test_a_number_out_of_range_is_601(gateway, service, action, name, value):
    assert gateway.error(service, action, {name: value}) == 601


@pytest.mark.parametrize("service, action, change, error", ERRORS)
def test_each_error_is_reached(gateway, service, action, change, error):
    assert gateway.error(service, action, change) == error


@pytest.mark.parametrize("service", ACTIONS)
@pytest.mark.parametrize("action", ["Reboot", "getfirewallstatus", "AddPortMapping"])
def test_an_action_that_is_not_described_is_401(gateway, service, action):
    with pytest.raises(SoapFault, match="^401 "):
        gateway.igd.call(action, {}, service)


@pytest.mark.parametrize("service", ACTIONS)
def test_the_description_has_these_actions(gateway, service):
    status, _, body = gateway.igd.http("GET", gateway.igd.url(service, "SCPDURL"))
    assert status == 200
    described = {action.findtext(_SCPD + "name"): [
        (argument.findtext(_SCPD + "direction"), argument.findtext(_SCPD + "name"))
        for argument in action.iter(_SCPD + "argument")]
        for action in ElementTree.fromstring(body).iter(_SCPD + "action")}
    assert described == {action: [("in", name) for name, _ in ins] + [("out", name) for name in outs]
                         for action, (ins, outs) in ACTIONS[service].items()}


@pytest.mark.parametrize("service, action", [(service, action) for service in DOCUMENTED for action in DOCUMENTED[service]])
def test_the_tables_reach_each_documented_error_or_say_why_not(service, action):
    reached = {error for of, name, _, error in ERRORS if (of, name) == (service, action)}
    if service == FIREWALL and action in SWITCHED_OFF:
        reached.add(SWITCHED_OFF[action])
    documented = DOCUMENTED[service][action]
    assert documented - set(NEVER) <= reached and not reached & set(NEVER)


@pytest.mark.parametrize("variable, service, known", [
    ("PhysicalLinkStatus", COMMON, True), ("DefaultConnectionService", FORWARDING, True),
    ("FirewallEnabled", FIREWALL, True), ("NoSuchVariable", COMMON, False), ("PhysicalLinkStatus", FIREWALL, False)])
def test_an_unknown_variable_is_404(gateway, variable, service, known):
    control = "urn:schemas-upnp-org:control-1-0"
    answer = gateway.igd.post(service, "", ENVELOPE.format(variable).encode(), f'"{control}#QueryStateVariable"')
    assert (answer[0], b"<errorCode>404<" in answer[2]) == ((200, False) if known else (500, True))


ENVELOPE = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            '<u:QueryStateVariable xmlns:u="urn:schemas-upnp-org:control-1-0"><u:varName>{}</u:varName>'
            "</u:QueryStateVariable></s:Body></s:Envelope>")


def test_pinholes_that_are_switched_off_are_703(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    Upnpd(lab, allow_pinholes="no").start()
    gateway = Gateway(lab)
    gateway.words["{id}"] = "1"
    for action, error in SWITCHED_OFF.items():
        assert gateway.error(FIREWALL, action) == error, action
