"""What a client writes into a mapping is shown in many places, and does something in none of them."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from igd_client import WAN_IP_1, WAN_IP_2, envelope, find_igd, mapping_arguments, soap_answer, SoapFault
from traffic import Capture

DESCRIPTIONS = {
    "a second line": b"a&#10;upnpd: mapping 1 deleted",
    "carriage return": b"a&#13;b",
    "a raw line end": b"a\nupnpd: everything is fine\r\n",
    "an escape": b"\x1b[2J\x1b]0;owned\x07",
    "an escape by number": b"&#27;[2J",
    "a C1 escape": b"\xc2\x9b2J",
    "backspaces": b"abc\b\b\bxyz",
    "DEL": b"a\x7fb",
    "the end of CDATA": b"]]&gt;&lt;/NewPortMappingDescription&gt;",
    "raw end of CDATA": b"]]>",
    "CDATA": b"<![CDATA[<script>alert(1)</script>]]>",
    "markup": b"&lt;script src=//evil.example&gt;&lt;/script&gt;&quot;&apos;",
    "quotes": b"\" ' ` \\\" \\n {\"id\":1}",
    "JSON": b"\\u0000\\\",\\\"id\\\":99",
    "formats": b"%s%n%x{}{0}${HOME}$(reboot)`reboot`",
    "nft": b"\" } delete table inet upnpd; add rule",
    "overlong": b"\xc0\x9b[2J\xe0\x80\x9b",
    "a surrogate": b"\xed\xa0\x80",
    "cut short": b"abc\xe2\x82",
    "no UTF-8": bytes(range(0x80, 0x100)),
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "not a character": b"\xef\xbf\xbe\xef\xbf\xbf",
    "the other direction": "a \u202e gnp.exe \u2066".encode(),
    "a kilobyte": b"x" * 1024,
    "64 KB": b"x" * 65536,
    "64 KB of escapes": b"\x1b" * 10000,
    "entities": b"&lol;&#0;&#xD800;&#x110000;",
}
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


def is_clean(data, line_ends=True):
    """Valid UTF-8 without a control character but line ends."""
    data.decode("utf-8")
    return not CONTROL.search(data) and (line_ends or b"\n" not in data)


@pytest.fixture(scope="module")
def igd(lab, upnpd):
    return find_igd(lab.pc1)


@pytest.fixture
def mapped(upnpd, igd, request):
    """The status of AddPortMapping with this description, written into the body as it is."""
    body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(8080, 8080, client=igd.host.address,
                                                                  description="PLACE"))
    processes = upnpd.status()["processes"]
    before = len(upnpd.log().encode())
    try:
        status = igd.post(WAN_IP_1, "AddPortMapping", body.replace(b"PLACE", DESCRIPTIONS[request.param]))[0]
    except OSError:  # cut in the midst of 64 KB
        status = 413
    yield status
    with open(upnpd.log_file, "rb") as log:
        lines = log.read()[before:]
    if status == 200:
        igd.delete(8080)
    assert is_clean(lines), lines
    assert all(line.startswith(b"upnpd ") and len(line) < 1000 for line in lines.splitlines()), lines
    assert upnpd.status()["processes"] == processes


@pytest.mark.parametrize("mapped", DESCRIPTIONS, indirect=True)
def test_a_description_is_text_wherever_it_is_shown(upnpd, igd, mapped, request):
    if mapped != 200:
        assert mapped in (400, 413, 500)
        assert upnpd.mappings() == []
        return
    # SOAP: parsed as XML, one argument, the same in every action.
    shown = igd.get(8080)["NewPortMappingDescription"]
    assert is_clean(shown.encode(), line_ends=False)
    listing = igd.call("GetListOfPortMappings", {"NewStartPort": 0, "NewEndPort": 65535, "NewProtocol": "TCP",
                                                 "NewManage": "0", "NewNumberOfPorts": 0}, WAN_IP_2)
    entries = ElementTree.fromstring(listing["NewPortListing"])
    assert len(entries) == 1 and sum("NewDescription" in child.tag for child in entries[0]) == 1
    # The admin's table and JSON.
    table = upnpd.admin("list", "mappings").stdout
    assert is_clean(table.encode()) and len(table.splitlines()) == 2
    [mapping] = upnpd.mappings()
    assert mapping["description"] == shown and mapping["external_port"] == 8080
    # The journal: JSON lines.
    with open(upnpd.lease_file, "rb") as journal:
        lines = journal.read().splitlines()
    assert all(is_clean(line, line_ends=False) and json.loads(line) is not None for line in lines)
    # nft shows it, where it does, as a comment: what it prints can be loaded again.
    assert upnpd.lab.table().count("table inet upnpd") == 1
    assert is_clean(upnpd.lab.table().replace("\t", " ").encode())


@pytest.mark.parametrize("remote", ["1.2.3.4; reboot", "\x1b[2J", "a\nb", "]]>", "x" * 60000, "%s%n", "evil.example",
                                    "-1", "1.2.3.4.5", "::", "http://1.2.3.4/"], ids=lambda x: repr(x)[:20])
def test_a_remote_host_is_an_address_or_nothing(upnpd, igd, remote):
    before = len(upnpd.log().encode(errors="surrogateescape"))
    body = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(8080, client=igd.host.address, remote_host=remote))
    try:
        with pytest.raises((SoapFault, OSError, ElementTree.ParseError)):
            soap_answer(*igd.post(WAN_IP_1, "AddPortMapping", body))
    finally:
        with open(upnpd.log_file, "rb") as log:
            assert is_clean(log.read()[before:])
    assert upnpd.mappings() == []


def test_no_name_is_ever_resolved(lab, upnpd, igd):
    captures = [Capture(lab.router, interface) for interface in ("wan", "lan", "lo", "guest")]
    for name in ("evil.example", "localhost", "router", "printer.local", "wpad"):
        for change in ({"NewInternalClient": name}, {"NewRemoteHost": name}):
            with pytest.raises(SoapFault):
                igd.call("AddPortMapping", {**mapping_arguments(8080, client=igd.host.address), **change})
        for header in ("Host", "Origin", "Referer"):
            igd.http("GET", igd.location, {header: f"http://{name}/" if header != "Host" else name})
        try:
            igd.http("SUBSCRIBE", igd.url(WAN_IP_1, "eventSubURL"),
                     {"CALLBACK": f"<http://{name}:7777/>", "NT": "upnp:event"})
        except OSError:
            pass
    for capture in captures:
        capture.close()
        # 53 DNS, 5353 mDNS, 5355 LLMNR, 137 NetBIOS
        assert not [p for p in capture.ipv4_packets() if p[4] in (53, 5353, 5355, 137)]


def test_a_foreign_log_line_cannot_be_forged_by_a_refusal(upnpd, igd):
    before = len(upnpd.log())
    for header in ("Host", "Origin", "Referer", "User-Agent", "SOAPAction"):
        try:
            igd.http("POST", igd.url(WAN_IP_1), {header: "x\x1b[2J\x7fupnpd gateway: mapping 9 added"}, b"")
        except OSError:
            pass
    new = upnpd.log()[before:]
    assert is_clean(new.encode()) and "mapping 9 added" not in new
