"""Hostile input gets an error or silence; the daemon serves on, and no child has to be replaced."""

import os
import socket

import pytest

from igd_client import SSDP, WAN_IP_1, envelope, find_igd, m_search, ssdp_answers
from namespace import wait_until


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def unharmed(lab, upnpd, igd):
    """After the test every process is still the one it was, and a mapping can be made."""
    before = upnpd.status()["processes"]
    yield
    assert upnpd.status()["processes"] == before, upnpd.log()
    igd.add(8080)
    igd.delete(8080)


def raw(igd, request, timeout=2.0):
    """What the HTTP port answers to `request` as it is: the status, None when it only closes."""
    host, _, port = igd.location.partition("//")[2].partition("/")[0].partition(":")
    try:
        with igd.host.connect(host, int(port), timeout) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
    except OSError:  # it may close before all is said
        return None
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else None


HTTP_REQUESTS = {
    "noise": os.urandom(2000),
    "nothing": b"",
    "no version": b"GET /\r\n\r\n",
    "NULs": b"\0" * 5000,
    "an endless line": b"GET /" + b"a" * 100_000,
    "many headers": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    "a giant length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "a broken chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a way out": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
}


@pytest.mark.parametrize("name", HTTP_REQUESTS)
def test_broken_http_is_refused(igd, unharmed, name):
    status = raw(igd, HTTP_REQUESTS[name])
    assert status is None or 400 <= status < 600


def soap(inner):
    return envelope(WAN_IP_1, "GetExternalIPAddress").replace(
        b"</u:GetExternalIPAddress>", inner + b"</u:GetExternalIPAddress>")


BODIES = {
    "empty": b"",
    "noise": os.urandom(3000),
    "no XML": b"NewExternalPort=80",
    "cut short": envelope(WAN_IP_1, "GetExternalIPAddress")[:-30],
    "another document": b"<html><body/></html>",
    "an empty Body": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>',
    "entities": b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + soap(b"<x>&b;</x>"),
    "deep": soap(b"<a>" * 5000 + b"</a>" * 5000)[:16000],
    "wide": soap(b"<a/>" * 3500),
    "NUL": soap(b"<a>\0</a>"),
    "a megabyte": soap(b"<a>" + b"x" * 1_000_000 + b"</a>"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_broken_body_is_refused_by_a_status_of_its_own(igd, unharmed, name):
    try:
        status, _, _ = igd.post(WAN_IP_1, "GetExternalIPAddress", BODIES[name])
    except OSError:  # it need not read a megabyte to the end
        assert name == "a megabyte"
        return
    assert 400 <= status <= 500, status


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example:80"},
    {"Host": "192.168.77.99:80"},
    {"Origin": "http://evil.example"},
    {"Content-Type": "application/x-www-form-urlencoded"},
], ids=str)
def test_a_browser_on_a_strangers_page_is_refused(igd, unharmed, headers):
    """DNS rebinding, Filet-o-Firewall and cross-site POSTs: SPEC.md section 8."""
    status, _, body = igd.post(WAN_IP_1, "GetExternalIPAddress", envelope(WAN_IP_1, "GetExternalIPAddress"),
                               **headers)
    assert 400 <= status < 500 and b"NewExternalIPAddress" not in body


def test_control_without_soapaction_or_with_another_method_is_refused(igd, unharmed):
    url = igd.url(WAN_IP_1)
    body = envelope(WAN_IP_1, "GetExternalIPAddress")
    assert igd.http("POST", url, {"Content-Type": "text/xml"}, body)[0] >= 400
    assert igd.http("POST", url, {"Content-Type": "text/xml", "SOAPAction": '"'}, body)[0] >= 400
    for method in ("GET", "PUT", "DELETE", "BREW"):
        assert igd.http(method, url)[0] >= 400, method


def test_held_connections_do_not_keep_others_out(lab, igd, unharmed):
    host, _, port = igd.location.partition("//")[2].partition("/")[0].partition(":")
    held = []
    try:
        for _ in range(200):
            try:
                held.append(lab.pc1.connect(host, int(port), 0.5))
                held[-1].sendall(b"POST / HTTP/1.1\r\nHost:")
            except OSError:
                break
        other = find_igd(lab.pc2)
        assert other and other.external_address() == lab.wan_address
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: find_igd(lab.pc1, timeout=0.3), 3, "the holder itself is served again")


DATAGRAMS = {
    "empty": b"",
    "noise": os.urandom(1000),
    "no headers": b"M-SEARCH * HTTP/1.1\r\n\r\n",
    "a giant MX": m_search("ssdp:all", mx=99999999999),
    "a negative MX": m_search("ssdp:all", mx=-1),
    "a long target": m_search("urn:" + "a" * 60_000),
    "a notification": b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:byebye\r\nNT: x\r\nUSN: y\r\n\r\n",
    "NULs": b"\0" * 1400,
    "a format": m_search("%n%n%n%s%s%s"),
    "no blank line": m_search("ssdp:all")[:-2],
}


@pytest.mark.parametrize("name", DATAGRAMS)
def test_discovery_survives_a_bad_datagram(lab, upnpd, igd, name):
    """libupnp's known crashes may cost a restart, no more."""
    with lab.pc1.udp() as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(lab.pc1.address))
        for to in (SSDP, (lab.lan_address, 1900)):
            for _ in range(3):
                endpoint.sendto(DATAGRAMS[name], to)
    wait_until(lambda: ssdp_answers(lab.pc2, "upnp:rootdevice", timeout=0.3, first_only=True), 2,
               "searches are answered")


@pytest.mark.parametrize("request_line", ["SUBSCRIBE /nowhere", "SUBSCRIBE /event/igd1/", "SUBSCRIBE *",
                                          "UNSUBSCRIBE /", "POST /", "GET /" + "a" * 20_000, "NOTIFY /"])
def test_the_event_port_survives_bad_requests(lab, upnpd, igd, request_line):
    """CVE-2020-13848 and its kin: a restart at worst."""
    port = upnpd.status()["lans"][0]["event_port"]
    try:
        with lab.pc1.connect(lab.lan_address, port) as connection:
            connection.sendall(f"{request_line} HTTP/1.1\r\nHost: {lab.lan_address}:{port}\r\n"
                               "CALLBACK: <http://192.168.77.10:9/>\r\nNT: upnp:event\r\n"
                               "Content-Length: 0\r\n\r\n".encode())
            connection.recv(4096)
    except OSError:
        pass
    wait_until(lambda: ssdp_answers(lab.pc2, "upnp:rootdevice", timeout=0.3, first_only=True), 2,
               "searches are answered")


def test_a_refused_request_is_one_log_line_with_its_reason(lab, upnpd, igd):
    before = upnpd.log().splitlines()
    with pytest.raises(Exception):
        igd.add(8080, client=lab.pc2.address)
    lines = wait_until(lambda: upnpd.log().splitlines()[len(before):], 1, "a log line")
    about = [line for line in lines if lab.pc1.address in line]
    assert len(about) == 1 and lab.pc2.address in about[0], lines
