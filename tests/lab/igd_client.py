"""A control point in the raw: SSDP searches, descriptions, SOAP calls, byte by byte ours."""

import http.client
import socket
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from sanitized import SLOWER

SSDP = ("239.255.255.250", 1900)
IGD1 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
IGD2 = "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
WAN_IP_1 = "urn:schemas-upnp-org:service:WANIPConnection:1"
WAN_IP_2 = "urn:schemas-upnp-org:service:WANIPConnection:2"
WAN_COMMON = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
LAYER3 = "urn:schemas-upnp-org:service:Layer3Forwarding:1"
FIREWALL = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
_DEVICE = "{urn:schemas-upnp-org:device-1-0}"
_CONTROL = "{urn:schemas-upnp-org:control-1-0}"


def m_search(target, mx=1):
    return (f'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\n'
            f"MX: {mx}\r\nST: {target}\r\n\r\n").encode()


def ssdp_answers(host, target, timeout=1.5, to=SSDP, first_only=False):
    """Searches from `host`; the headers of each answer, names in capitals, as dictionaries."""
    answers = []
    with host.udp() as endpoint:
        endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host.address))
        endpoint.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        endpoint.sendto(m_search(target), to)
        deadline = time.monotonic() + timeout * (SLOWER if first_only else 1)
        while (left := deadline - time.monotonic()) > 0 and not (first_only and answers):
            endpoint.settimeout(left)
            try:
                answers.append(_headers(endpoint.recv(4096)))
            except (TimeoutError, ConnectionError):
                pass
    return answers


def _headers(datagram):
    lines = datagram.decode(errors="replace").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if ":" in line)
    return {"": lines[0], **{name.strip().upper(): value.strip() for name, _, value in pairs}}


def find_igd(host, target=IGD1, timeout=2.0):
    """The gateway as `host` finds it by a search for `target`; None when nothing answers or the
    description cannot be fetched."""
    answers = ssdp_answers(host, target, timeout, first_only=True)
    try:
        return Igd(host, answers[0]["LOCATION"]) if answers else None
    except OSError:
        return None


class SoapFault(Exception):
    """What a call was refused with; `code` is the UPnP error."""

    def __init__(self, code, description, status):
        super().__init__(f"{code} {description} (HTTP {status})")
        self.code = code
        self.description = description
        self.status = status


class Igd:
    """The gateway by one of its descriptions, with `host` as the caller."""

    def __init__(self, host, location):
        self.host = host
        self.location = location
        status, _, body = self.http("GET", location)
        if status != 200:
            raise OSError(f"GET {location}: {status}")
        self.description = ElementTree.fromstring(body)

    @property
    def device_type(self):
        return self.description.findtext(f"{_DEVICE}device/{_DEVICE}deviceType")

    def service_types(self):
        return [s.findtext(_DEVICE + "serviceType") for s in self.description.iter(_DEVICE + "service")]

    def url(self, service, kind="controlURL"):
        """The URL of a service by its type without the version; kinds: controlURL, eventSubURL,
        SCPDURL."""
        family = service.rpartition(":")[0]
        for entry in self.description.iter(_DEVICE + "service"):
            if entry.findtext(_DEVICE + "serviceType").rpartition(":")[0] == family:
                return urllib.parse.urljoin(self.location, entry.findtext(_DEVICE + kind))
        raise AssertionError(f"the description has no service {family}")

    def http(self, method, url, headers=None, body=None, timeout=5.0):
        """(status, headers, body) of one request on a connection of its own. `timeout` is SLOWER times as long."""
        timeout *= SLOWER
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        connection.sock = self.host.connect(parts.hostname, parts.port, timeout)
        try:
            connection.request(method, parts.path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()

    def post(self, service, action, body, soapaction=None, **headers):
        """A control request with `body` as it is."""
        return self.http("POST", self.url(service), {
            "Content-Type": 'text/xml; charset="utf-8"',
            "SOAPAction": soapaction if soapaction is not None else f'"{service}#{action}"',
            **headers}, body)

    def call(self, action, arguments=(), service=WAN_IP_1):
        """Calls an action with `arguments`, a dictionary; returns the answer's, in its order."""
        return soap_answer(*self.post(service, action, envelope(service, action, arguments)))

    # The actions the tests call most.

    def add(self, external_port, internal_port=None, protocol="TCP", lease=0, client=None,
            remote_host="", description="lab", service=WAN_IP_1, action="AddPortMapping", **other):
        return self.call(action, mapping_arguments(
            external_port, internal_port or external_port, protocol, lease,
            self.host.address if client is None else client, remote_host, description, **other),
            service)

    def add_any(self, external_port, *arguments, **named):
        answer = self.add(external_port, *arguments, service=WAN_IP_2, action="AddAnyPortMapping",
                          **named)
        return int(answer["NewReservedPort"])

    def delete(self, external_port, protocol="TCP", remote_host="", service=WAN_IP_1):
        return self.call("DeletePortMapping", _key(external_port, protocol, remote_host), service)

    def get(self, external_port, protocol="TCP", remote_host="", service=WAN_IP_1):
        return self.call("GetSpecificPortMappingEntry", _key(external_port, protocol, remote_host),
                         service)

    def external_address(self):
        return self.call("GetExternalIPAddress")["NewExternalIPAddress"]


def _key(external_port, protocol, remote_host):
    return {"NewRemoteHost": remote_host, "NewExternalPort": external_port, "NewProtocol": protocol}


def mapping_arguments(external_port=4000, internal_port=4000, protocol="TCP", lease=0, client="",
                      remote_host="", description="lab", enabled="1", **other):
    """AddPortMapping's eight arguments. `other` replaces some by their names; None leaves one out."""
    arguments = {**_key(external_port, protocol, remote_host), "NewInternalPort": internal_port,
                 "NewInternalClient": client, "NewEnabled": enabled,
                 "NewPortMappingDescription": description, "NewLeaseDuration": lease, **other}
    return {name: value for name, value in arguments.items() if value is not None}


def envelope(service, action, arguments=()):
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in dict(arguments).items())
    return ('<?xml version="1.0"?>\r\n'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
            's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
            f'<u:{action} xmlns:u="{service}">{inner}</u:{action}>'
            "</s:Body></s:Envelope>\r\n").encode()


def soap_answer(status, headers, body):
    """The out arguments of a SOAP answer, in their order; raises SoapFault for a fault."""
    root = ElementTree.fromstring(body)
    fault = root.find(f".//{_CONTROL}UPnPError")
    if fault is not None:
        raise SoapFault(int(fault.findtext(_CONTROL + "errorCode")),
                        fault.findtext(_CONTROL + "errorDescription"), status)
    assert status == 200, f"HTTP {status} without a fault: {body!r}"
    return {child.tag: child.text or "" for child in root[0][0]}
