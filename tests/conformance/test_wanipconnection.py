"""Every action of WANIPConnection with every argument missing, mistyped and out of range, and every
documented error reached, against the live daemon by HTTP; the tables are in tables.py."""

import xml.etree.ElementTree as ElementTree

import pytest

from daemon import Upnpd
from igd_client import IGD2, SoapFault, find_igd
from namespace import wait_until
from tables import (ACTIONS, CLIENT, DOCUMENTED, ERRORS, GOOD, LEASES, MISTYPED, NEVER, NOT_IMPLEMENTED, OPTIONAL,
                    OUT_OF_RANGE, REACHED_ELSEWHERE, V1, V2)

_SCPD = "{urn:schemas-upnp-org:service-1-0}"
QUOTA = 3
VERSIONS = pytest.mark.parametrize("service", [V1, V2], ids=["v1", "v2"])


@pytest.fixture(scope="module")
def igd(lab):
    """The gateway as pc1 calls it, where pc2 has TCP 4100 and the router listens on TCP 4200."""
    listener = lab.router.listen(4200)
    lab.at_end(listener.close)
    Upnpd(lab, max_mappings_per_host=QUOTA).start()
    find_igd(lab.pc2).add(4100)
    return find_igd(lab.pc1, IGD2)


@pytest.fixture(autouse=True)
def one_mapping(igd):
    """Each test begins and ends with TCP 4000 as the caller's only mapping."""
    yield igd.add(4000)
    while (entry := _first(igd)) is not None:
        igd.delete(int(entry["NewExternalPort"]), entry["NewProtocol"], entry["NewRemoteHost"])


def _first(igd):
    try:
        return igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0})
    except SoapFault as fault:
        assert fault.code == 713
        return None


def arguments_of(igd, action, change=None):
    values = {**GOOD, **(change or {})}
    names = [name for name, _ in ACTIONS[action][0]]
    return {name: igd.host.address if values[name] is CLIENT else values[name]
            for name in names if values[name] is not None}


def error_of(igd, action, arguments, service):
    try:
        igd.call(action, arguments, service)
    except SoapFault as fault:
        assert fault.status == 500 and fault.description
        return fault.code
    return None


def spoken(action):
    """The URNs to call an action with. Clients call AddAnyPortMapping with :1 too."""
    return sorted(ACTIONS[action][2])


CASES = [(action, service) for action in ACTIONS for service in spoken(action)]
IN_ARGUMENTS = [(action, service, name, kind) for action, service in CASES for name, kind in ACTIONS[action][0]]


@pytest.mark.parametrize("action, service", [case for case in CASES if case[0] != "ForceTermination"])
def test_an_action_answers_with_its_arguments_in_order(igd, action, service):
    answer = igd.call(action, arguments_of(igd, action), service)
    assert list(answer) == ACTIONS[action][1]


@pytest.mark.parametrize("action, service, name, kind", IN_ARGUMENTS)
def test_a_missing_argument_is_402_unless_clients_leave_it_out(igd, action, service, name, kind):
    error = error_of(igd, action, arguments_of(igd, action, {name: None}), service)
    assert error == (None if name in OPTIONAL else 402)


@pytest.mark.parametrize("action, service, name, value", [
    (action, service, name, value) for action, service, name, kind in IN_ARGUMENTS for value in MISTYPED[kind]])
def test_a_mistyped_argument_is_402(igd, action, service, name, value):
    assert error_of(igd, action, arguments_of(igd, action, {name: value}), service) == 402


@pytest.mark.parametrize("action, service, name, value", [
    (action, service, name, value) for action, service, name, kind in IN_ARGUMENTS for value in OUT_OF_RANGE[kind]])
def test_a_number_out_of_range_is_601(igd, action, service, name, value):
    assert error_of(igd, action, arguments_of(igd, action, {name: value}), service) == 601


@pytest.mark.parametrize("action, change, service, error", [
    (action, change, service, error) for action, change, *errors in ERRORS
    for service, error in zip((V1, V2), errors) if error is not None])
def test_each_error_is_reached(igd, action, change, service, error):
    assert error_of(igd, action, arguments_of(igd, action, change), service) == error


@pytest.mark.parametrize("service, version", [(V1, 1), (V2, 2)])
def test_the_description_has_the_actions_of_its_version(igd, service, version):
    status, _, body = igd.http("GET", igd.url(V2, "SCPDURL").replace("Connection2", f"Connection{version}"))
    assert status == 200
    described = {action.findtext(_SCPD + "name"): [
        (argument.findtext(_SCPD + "direction"), argument.findtext(_SCPD + "name"))
        for argument in action.iter(_SCPD + "argument")]
        for action in ElementTree.fromstring(body).iter(_SCPD + "action")}
    for action, (ins, outs, versions) in ACTIONS.items():
        expected = [("in", name) for name, _ in ins] + [("out", name) for name in outs]
        assert described.get(action) == (expected if service in versions else None), action
    assert not set(NOT_IMPLEMENTED) & set(described)


@VERSIONS
@pytest.mark.parametrize("action", NOT_IMPLEMENTED + ["Reboot", "addportmapping"])
def test_an_action_that_is_not_described_is_401(igd, action, service):
    assert error_of(igd, action, {}, service) == 401


@VERSIONS
@pytest.mark.parametrize("asked, remaining", [(asked, both) for asked, *both in LEASES])
def test_the_lease_rules_of_the_version(igd, asked, remaining, service):
    expected = remaining[service == V2]
    igd.call("AddPortMapping", arguments_of(igd, "AddPortMapping", {"NewLeaseDuration": asked}), service)
    left = int(igd.get(4000)["NewLeaseDuration"])
    assert expected - 2 <= left <= expected


def elsewhere(action, service):
    return next(errors[service == V2] for name, *errors in REACHED_ELSEWHERE if name == action)


@VERSIONS
def test_the_quota(igd, service):
    for port in range(4001, 4000 + QUOTA):
        igd.add(port)
    for action in ("AddPortMapping", "AddAnyPortMapping")[:1 if service == V1 else 2]:
        arguments = arguments_of(igd, action, {"NewExternalPort": "4050"})
        assert error_of(igd, action, arguments, service) == elsewhere(action, service)


@VERSIONS
def test_the_connection_is_not_the_lans_to_end(igd, service):
    """RequestTermination is optional and not described, and refused as its twin that is."""
    assert error_of(igd, "RequestTermination", {}, service) == elsewhere("RequestTermination", service)


@VERSIONS
def test_without_a_wan_address_no_connection_can_be_had(lab, igd, service):
    lab.router.ip(f"addr del {lab.wan_address}/24 dev wan\n")
    try:
        wait_until(lambda: igd.call("GetStatusInfo")["NewConnectionStatus"] == "Disconnected", 2, "it is disconnected")
        assert error_of(igd, "RequestConnection", {}, service) == elsewhere("RequestConnection", service)
    finally:
        lab.router.ip(f"addr add {lab.wan_address}/24 brd + dev wan\n"
                      f"route replace default via {lab.inet1.address}\n")
    wait_until(lambda: igd.call("GetStatusInfo")["NewConnectionStatus"] == "Connected", 2, "it is connected")


@pytest.mark.parametrize("action, service, documented", [
    (action, service, codes) for action, *both in DOCUMENTED for service, codes in zip((V1, V2), both) if codes])
def test_the_tables_reach_each_documented_error_or_say_why_not(action, service, documented):
    rows = [(name, errors) for name, _, *errors in ERRORS] + [(name, errors) for name, *errors in REACHED_ELSEWHERE]
    reached = {errors[service == V2] for name, errors in rows if name == action}
    never = {error for of, error in NEVER if of in (None, action)}
    assert documented - never <= reached and not reached & never
