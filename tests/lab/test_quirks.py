"""What control points in the wild send, byte by byte, is served."""

import concurrent.futures
import contextlib
import socket
import time
import urllib.parse

import pytest

from igd_client import (IGD1, IGD2, WAN_IP_1, SoapFault, envelope, find_igd, mapping_arguments, soap_answer,
                        ssdp_answers)
from sanitized import SLOWER

WAN_PPP_1 = "urn:schemas-upnp-org:service:WANPPPConnection:1"
EXTERNAL = envelope(WAN_IP_1, "GetExternalIPAddress")


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


class Wire:
    """A TCP connection to the gateway's HTTP port; answers are read one by one."""

    def __init__(self, igd):
        parts = urllib.parse.urlsplit(igd.url(WAN_IP_1))
        self.host, self.path = parts.netloc, parts.path
        self.socket = igd.host.connect(parts.hostname, parts.port, 3)
        self._file = self.socket.makefile("rb")

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part if isinstance(part, bytes) else part.encode())

    def post(self, body, *headers, version="1.1", host=True, length=True, action="GetExternalIPAddress",
             path=None):
        self.send("\r\n".join([f"POST {path or self.path} HTTP/{version}", *([f"Host: {self.host}"] if host else []),
                               *(headers or ["Content-Type: text/xml", f'SOAPAction: "{WAN_IP_1}#{action}"']),
                               *([f"Content-Length: {len(body)}"] if length else []), "", ""]).encode() + body)

    def status_line(self):
        return self._file.readline().decode().strip()

    def answer(self):
        """(status, body) of the next answer."""
        status = int(self.status_line().split()[1])
        length = None
        while line := self._file.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, self._file.read(length)

    def close(self):
        self._file.close()
        self.socket.close()


@pytest.fixture
def wire(igd, closing):
    return closing(Wire(igd))


def assert_external(lab, answer):
    status, body = answer
    assert status == 200 and f"<NewExternalIPAddress>{lab.wan_address}<".encode() in body, answer


SOAPACTION = f"{WAN_IP_1}#GetExternalIPAddress"


@pytest.mark.parametrize("headers", [
    [f"SOAPAction: {SOAPACTION}"],
    [f"SOAPAction: '{SOAPACTION}'"],
    [f'SOAPAction: "{SOAPACTION}'],
    [f'SOAPAction: {SOAPACTION}"'],
    [f'SOAPACTION:"{SOAPACTION}"'],
    [f'soapaction: "{SOAPACTION}"'],
    [f'Soapaction:   "{SOAPACTION}"  '],
    ["CONTENT-TYPE:text/xml;charset=utf-8", f'sOaPaCtIoN: "{SOAPACTION}"'],
    ['content-type: Text/XML; charset="UTF-8"', f'SOAPAction: "{SOAPACTION}"'],
], ids=str)
def test_headers_are_taken_as_clients_write_them(lab, wire, headers):
    wire.post(EXTERNAL, *headers)
    assert_external(lab, wire.answer())


def test_a_chunked_request(lab, wire):
    wire.send(f'POST {wire.path} HTTP/1.1\r\nHost: {wire.host}\r\nContent-Type: text/xml\r\n'
              f'SOAPAction: "{SOAPACTION}"\r\nTransfer-Encoding: chunked\r\n\r\n',
              *(f"{len(EXTERNAL[at:at + 50]):x}\r\n".encode() + EXTERNAL[at:at + 50] + b"\r\n"
                for at in range(0, len(EXTERNAL), 50)), b"0\r\n\r\n")
    assert_external(lab, wire.answer())


def test_expect_100_continue(lab, wire):
    wire.post(b"", "Content-Type: text/xml", f'SOAPAction: "{SOAPACTION}"', "Expect: 100-continue",
              f"Content-Length: {len(EXTERNAL)}", length=False)
    assert wire.status_line() == "HTTP/1.1 100 Continue" and wire.status_line() == ""
    wire.send(EXTERNAL)
    assert_external(lab, wire.answer())


def test_http_1_0_without_host(lab, wire):
    wire.post(EXTERNAL, version="1.0", host=False)
    assert_external(lab, wire.answer())
    assert wire.socket.recv(1) == b"", "HTTP/1.0 ends with the answer"


def test_keep_alive_and_pipelining(lab, wire):
    for _ in range(3):
        wire.post(EXTERNAL)
        assert_external(lab, wire.answer())
    for _ in range(3):
        wire.post(EXTERNAL)
    for _ in range(3):
        assert_external(lab, wire.answer())


def test_a_request_byte_by_byte(lab, wire):
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = (f'POST {wire.path} HTTP/1.1\r\nHost: {wire.host}\r\nContent-Type: text/xml\r\n'
             f'SOAPAction: "{SOAPACTION}"\r\nContent-Length: {len(EXTERNAL)}\r\n\r\n').encode() + EXTERNAL
    wire.send(*(bytes([byte]) for byte in whole))
    assert_external(lab, wire.answer())


@pytest.mark.parametrize("remote_host", ["", "*", "0", "0.0.0.0", "(null)"])
def test_any_remote_host_is_written_in_many_ways(igd, remote_host):
    igd.add(4000, remote_host=remote_host)
    assert igd.get(4000)["NewInternalPort"] == "4000"
    igd.delete(4000, remote_host=remote_host)


@pytest.mark.parametrize("description", [
    "uTorrent (TCP): a:b:c", "it's \"quoted\"", "ÄÖÜ €  日本語 \U0001f3ae", "x" * 1024, "", "-- ; drop", "%s%n",
])
def test_a_description_comes_back_as_it_was(igd, description):
    igd.add(4000, description=description)
    assert igd.get(4000)["NewPortMappingDescription"] == description
    assert igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0})["NewPortMappingDescription"] == description
    igd.delete(4000)


@pytest.mark.parametrize("raw", ["a & b", "a < b", "<3", "a <b>bold</i> move", "x<y>z", "&nbsp;", "<", "&", "&#;",
                                 "a < b & c > d"])
@pytest.mark.parametrize("prefix", ["", "m:"])
def test_a_description_that_was_not_escaped(igd, raw, prefix):
    body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(client=igd.host.address, description="RAW"))
    body = body.replace(b"<NewPortMapping", f"<{prefix}NewPortMapping".encode())
    body = body.replace(b"</NewPortMapping", f"</{prefix}NewPortMapping".encode())
    soap_answer(*igd.post(WAN_IP_1, "AddPortMapping", body.replace(b"RAW", raw.encode())))
    assert igd.get(4000)["NewPortMappingDescription"] == raw
    igd.delete(4000)


def test_a_protocol_in_lower_case_an_empty_client_and_optional_arguments_missing(igd):
    igd.call("AddPortMapping", {"NewInternalClient": "", "NewInternalPort": 80, "NewProtocol": "udp",
                                "NewExternalPort": 4000})
    assert igd.get(4000, "Udp") == {"NewInternalPort": "80", "NewInternalClient": igd.host.address,
                                    "NewEnabled": "1", "NewPortMappingDescription": "", "NewLeaseDuration": "0"}
    igd.delete(4000, "udp")


def test_delete_with_an_empty_protocol_deletes_the_callers_of_both(lab, igd):
    other = find_igd(lab.pc2)
    igd.add(4000)
    igd.add(4000, protocol="UDP")
    igd.add(4001)
    other.add(4001, protocol="UDP")
    igd.delete(4000, protocol="")
    igd.delete(4001, protocol="")
    assert other.get(4001, "UDP")["NewInternalClient"] == lab.pc2.address
    with pytest.raises(Exception, match="713"):
        igd.call("GetGenericPortMappingEntry", {"NewPortMappingIndex": 0})
    other.delete(4001, protocol="")


def test_add_any_by_a_version_1_urn(igd):
    assert igd.add(4000, service=WAN_IP_1, action="AddAnyPortMapping") == {"NewReservedPort": "4000"}
    igd.delete(4000)


def test_wan_ppp_connection_is_searched_for_and_called(lab, igd):
    found = find_igd(lab.pc1, WAN_PPP_1)
    assert found and found.device_type == IGD1
    call = envelope(WAN_PPP_1, "GetExternalIPAddress")
    answer = soap_answer(*igd.post(WAN_IP_1, "", call, f'"{WAN_PPP_1}#GetExternalIPAddress"'))
    assert answer == {"NewExternalIPAddress": lab.wan_address}


@pytest.mark.parametrize("name, value", [("ConnectionStatus", "Connected"), ("ConnectionType", "IP_Routed"),
                                         ("ExternalIPAddress", None)])
def test_query_state_variable(lab, igd, name, value):
    control = "urn:schemas-upnp-org:control-1-0"
    answer = soap_answer(*igd.post(WAN_IP_1, "", envelope(control, "QueryStateVariable", {"varName": name}),
                                   f'"{control}#QueryStateVariable"'))
    assert answer == {"return": value or lab.wan_address}


@pytest.mark.parametrize("agent", ["FDSSDP", "Microsoft-Windows/10.0 UPnP/1.0", "Xbox/2.0.17559.0 UPnP/1.0 Xbox/2.0.17559.0"])
def test_windows_and_xbox_see_version_1_wherever_they_look(lab, igd, agent):
    second = find_igd(lab.pc1, IGD2)
    assert second.device_type == IGD2
    status, _, body = igd.http("GET", second.location, {"User-Agent": agent})
    assert status == 200 and IGD1.encode() in body and IGD2.encode() not in body
    assert b"<major>1</major>" in body


@pytest.mark.parametrize("target", ["upnp:rootdevice", "ssdp:all", IGD1, IGD2])
def test_windows_finds_version_1_whatever_it_searches_for(lab, igd, target):
    """By its own search, and with its agent at the description."""
    agent = "Microsoft-Windows/10.0 UPnP/1.0 FDSSDP"
    with lab.pc1.udp(timeout=2.5) as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(lab.pc1.address))
        endpoint.sendto((f'M-SEARCH * HTTP/1.1\r\nHost:239.255.255.250:1900\r\nST:{target}\r\n'
                         f'Man:"ssdp:discover"\r\nMX:1\r\nUser-Agent:{agent}\r\n\r\n').encode(),
                        ("239.255.255.250", 1900))
        answer = endpoint.recv(4096).decode()
    location = next(line.partition(":")[2].strip() for line in answer.splitlines()
                    if line.upper().startswith("LOCATION:"))
    status, _, body = igd.http("GET", location, {"User-Agent": agent})
    assert status == 200 and IGD1.encode() in body and IGD2.encode() not in body


SEARCHES = {
    "lower case": b'm-search * HTTP/1.1\r\nhost:239.255.255.250:1900\r\nman:"ssdp:discover"\r\nmx:1\r\nst:upnp:rootdevice\r\n\r\n',
    "no MX": b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nST: upnp:rootdevice\r\n\r\n',
    "MAN without quotes": b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: ssdp:discover\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n",
    "no blank line": b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n',
    "no version": b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:\r\n\r\n',
    "line feeds alone": b'M-SEARCH * HTTP/1.1\nHOST: 239.255.255.250:1900\nMAN: "ssdp:discover"\nMX: 1\nST: upnp:rootdevice\n\n',
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_as_clients_write_it_is_answered(lab, igd, name):
    with lab.pc1.udp(timeout=2.5) as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(lab.pc1.address))
        endpoint.sendto(SEARCHES[name], ("239.255.255.250", 1900))
        answer = endpoint.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"igd1.xml" in answer


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("tail", [b"", b"\r\n", b"\0"], ids=repr)
def test_a_request_without_a_length_ends_with_its_envelope(lab, wire, version, tail):
    wire.post(EXTERNAL.strip() + tail, length=False, version=version)
    assert_external(lab, wire.answer())


def test_a_request_without_a_length_byte_by_byte(lab, wire):
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = (f'POST {wire.path} HTTP/1.1\r\nHost: {wire.host}\r\nContent-Type: text/xml\r\n'
             f'SOAPAction: "{SOAPACTION}"\r\n\r\n').encode() + EXTERNAL
    wire.send(*(bytes([byte]) for byte in whole))
    assert_external(lab, wire.answer())


def test_requests_with_and_without_a_length_share_a_connection(lab, wire):
    for length in (True, False, False, True, False):
        wire.post(EXTERNAL, length=length)
        assert_external(lab, wire.answer())
    for length in (False, True, False, False):
        wire.post(EXTERNAL, length=length)
    for _ in range(4):
        assert_external(lab, wire.answer())


def test_a_request_without_a_length_ends_with_the_clients_half_of_the_connection(lab, wire):
    """A body that is no envelope, so that nothing else says where it ends."""
    wire.post(b"NewExternalPort=80", length=False)
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.answer()[0] == 400
    assert wire.socket.recv(1) == b"", "nothing can follow"


def test_a_request_without_a_length_ends_when_its_client_falls_silent(lab, wire):
    wire.socket.settimeout(6)
    wire.post(EXTERNAL[:-30], length=False)
    assert wire.answer()[0] == 400
    assert wire.socket.recv(1) == b""


def test_a_request_without_a_length_has_the_limits_of_the_others(lab, wire):
    wire.post(b"<a>" + b"x" * 17_000, length=False)
    assert wire.answer()[0] == 413


def test_the_caller_of_a_request_without_a_length_is_the_true_one(lab, igd, wire):
    body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(client=""))
    wire.post(body, length=False, action="AddPortMapping")
    assert wire.answer()[0] == 200
    assert igd.get(4000)["NewInternalClient"] == lab.pc1.address
    igd.delete(4000)


def test_a_delete_before_every_add(igd):
    """What is not there is 714, and no reason not to add it then."""
    for _ in range(2):
        for port in (4000, 4001):
            with contextlib.suppress(SoapFault):
                igd.delete(port)
            igd.add(port)
            assert igd.get(port)["NewInternalPort"] == str(port)
    for port in (4000, 4001):
        igd.delete(port)


def test_a_dozen_mappings_at_once_each_on_a_connection_of_its_own(igd):
    ports = range(4000, 4012)
    with concurrent.futures.ThreadPoolExecutor(len(ports)) as threads:
        for result in [threads.submit(igd.add, port, lease=3600) for port in ports]:
            assert result.result() == {}
        assert {igd.get(port)["NewInternalPort"] for port in ports} == {str(port) for port in ports}
        for result in [threads.submit(igd.delete, port) for port in ports]:
            result.result()


@pytest.mark.parametrize("target", ["device:InternetGatewayDevice:1", "service:WANIPConnection:1",
                                    "service:WANPPPConnection:1"])
def test_a_search_for_dslforum_types_costs_nobody_an_answer(lab, igd, target):
    """TR-064 devices have descriptions of their own, which this one is not: no answer, and the client's next
    search has one."""
    assert ssdp_answers(lab.pc1, f"urn:dslforum-org:{target}", timeout=0.6) == []
    assert ssdp_answers(lab.pc1, IGD1, first_only=True)


def test_the_description_comes_at_once(igd):
    """Some clients give it a second, with the connection."""
    start = time.monotonic()
    status, _, _ = igd.http("GET", igd.location, timeout=1)
    assert status == 200 and time.monotonic() - start < SLOWER


def test_a_port_that_another_console_has_is_had_by_the_next_number(lab, igd):
    """What consoles do at 718: they try another one."""
    other = find_igd(lab.pc2)
    igd.add(3074, protocol="UDP")
    with pytest.raises(SoapFault, match="718"):
        other.add(3074, protocol="UDP")
    other.add(3075, 3074, protocol="UDP")
    assert other.get(3075, "UDP")["NewInternalClient"] == lab.pc2.address
    other.delete(3075, "UDP")
    igd.delete(3074, "UDP")
