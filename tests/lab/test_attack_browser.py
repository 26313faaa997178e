"""A web page makes the browser of a LAN host ask for it: DNS rebinding, Filet-o-Firewall, forms, CORS; over IPv4
and over IPv6."""

import itertools
import re
import urllib.parse

import pytest

from daemon import Upnpd
from families import FAMILIES, connection
from igd_client import LAYER3, WAN_COMMON, WAN_IP_1, WAN_IP_2, Igd, envelope, find_igd, mapping_arguments
from ipv6 import add_ipv6, wait_for_addresses
from namespace import wait_until

BODY = envelope(WAN_IP_1, "AddPortMapping", mapping_arguments(client="192.168.77.10"))


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    wait_for_addresses(lab)
    return lab


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def net(request):
    return request.param


@pytest.fixture(scope="module")
def igd(lab, upnpd, net):
    wait_until(lambda: net.search(lab.pc1, net.routers(lab, "lan"), "upnp:rootdevice"), 5, upnpd.log)
    return net.igd(lab.pc1)


@pytest.fixture
def unmapped(upnpd):
    yield
    assert upnpd.mappings() == []


def own_host(igd):
    return urllib.parse.urlsplit(igd.location).netloc


def written(text, igd):
    """With {own} and {port} as they are in our own URLs."""
    own, _, port = own_host(igd).rpartition(":")
    return text.format(own=own, port=port)


def refused(igd, method="POST", url=None, body=BODY, without=(), **headers):
    """What a control request is answered with that is good but for these headers."""
    sent = {"Host": own_host(igd), "Content-Type": "text/xml", "SOAPAction": f'"{WAN_IP_1}#AddPortMapping"',
            **{name.replace("_", "-"): value for name, value in headers.items()}}
    status, answered, _ = igd.http(method, url or igd.url(WAN_IP_1),
                                   {k: v for k, v in sent.items() if k not in without}, body)
    assert 400 <= status < 500, status
    assert not [name for name in answered if name.lower().startswith("access-control-")]
    return status


def test_the_request_is_good_but_for_what_is_wrong_with_it(igd):
    sent = {"Host": own_host(igd), "Content-Type": "text/xml", "SOAPAction": f'"{WAN_IP_1}#AddPortMapping"'}
    assert igd.http("POST", igd.url(WAN_IP_1), sent, BODY)[0] == 200
    igd.delete(4000)


# The addresses beside our own: of the caller, of the WAN, of the router in the other family, and nobody's.
FOREIGN_HOSTS = ["evil.example", "evil.example:{port}", "{own}.evil.example:{port}", "{own}:80", "{own}:{port}0",
                 "192.168.77.10:{port}", "[2001:db8:77::10]:{port}", "203.0.113.1:{port}", "[2001:db8:f::1]:{port}",
                 "localhost:{port}", "127.0.0.1:{port}", "[::1]:{port}", "[::ffff:192.168.77.1]:{port}", "[::]:{port}",
                 "2001:db8:77::1:{port}", "[2001:db8:77::1:{port}", "[2001:db8:77::2]:{port}", "", " ",
                 "{own}:{port}@evil.example", "evil.example@{own}:{port}", "3232255233:{port}", "192.168.077.1:{port}",
                 "{own}:{port},evil.example"]
FOREIGN_PAGES = ["http://evil.example", "https://{own}:{port}", "null", "http://{own}", "file://",
                 "http://{own}.evil.example:{port}", "http://192.168.77.10:{port}", "http://[2001:db8:77::10]:{port}",
                 "http://{own}:{port}@evil.example/", "http://evil.example/http://{own}:{port}/",
                 "http://{own}:{port}.evil.example", "moz-extension://a", ""]
FORM_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
              "text/plain; text/xml", "application/json", "text/xmlx", "application/octet-stream", ""]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_rebound_name_is_refused(igd, unmapped, host):
    assert refused(igd, Host=written(host, igd)) in (400, 403)


def test_the_routers_address_of_the_other_family_is_a_foreign_name(lab, igd, net, unmapped):
    [other] = [family for family in FAMILIES if family is not net]
    port = own_host(igd).rpartition(":")[2]
    assert refused(igd, Host=f"{other.literal(other.routers(lab, 'lan'))}:{port}") == 403


@pytest.mark.parametrize("header, page", itertools.product(("Origin", "Referer"), FOREIGN_PAGES))
def test_a_page_from_elsewhere_is_refused(igd, unmapped, header, page):
    assert refused(igd, **{header: written(page, igd)}) == 403


@pytest.mark.parametrize("content_type", FORM_TYPES)
def test_what_a_form_can_send_is_refused(igd, unmapped, content_type):
    assert refused(igd, Content_Type=content_type) == 415


def test_what_a_page_may_send_without_a_preflight_is_refused(igd, unmapped):
    """A simple request can have no SOAPACTION header, and text/plain at best."""
    assert refused(igd, without=["SOAPAction"]) == 400
    assert refused(igd, without=["SOAPAction", "Content-Type"]) == 415
    assert refused(igd, without=["SOAPAction"], Content_Type="text/plain") == 415


def test_a_preflight_is_not_granted(igd, unmapped):
    assert refused(igd, "OPTIONS", body=None, Origin="http://evil.example", Access_Control_Request_Method="POST",
                   Access_Control_Request_Headers="soapaction,content-type") == 403
    assert refused(igd, "OPTIONS", body=None) == 405


def test_no_answer_may_be_read_by_a_foreign_page(igd):
    for service in (WAN_IP_1, WAN_COMMON, LAYER3):
        for url in (igd.location, igd.url(service, "SCPDURL")):
            status, headers, _ = igd.http("GET", url)
            assert status == 200
            assert not [name for name in headers if name.lower().startswith("access-control-")]
        status, headers, _ = igd.http("GET", igd.url(service, "SCPDURL"), {"Origin": "http://evil.example"})
        assert status == 403


def test_a_url_in_the_request_line_is_our_own(lab, igd, net, unmapped):
    url = urllib.parse.urlsplit(igd.location)
    for site, good in ((f"http://{own_host(igd)}", True), (f"http://evil.example:{url.port}", False),
                       ("http://192.168.77.1.evil.example", False)):
        with connection(net, lab.pc1, url.hostname, url.port) as endpoint:
            endpoint.sendall(f"GET {site}{url.path} HTTP/1.1\r\nHost: {own_host(igd)}\r\n\r\n".encode())
            assert (endpoint.recv(100).split()[1] == b"200") == good, site


# ---- the path ----

def token_of(igd):
    return urllib.parse.urlsplit(igd.location).path.split("/")[1]


def test_the_path_cannot_be_guessed(lab, upnpd, igd):
    assert re.fullmatch("[0-9a-f]{16,}|[0-9A-Za-z_-]{16,}", token_of(igd))
    rest = urllib.parse.urlsplit(igd.url(WAN_IP_1)).path.partition("/")[2].partition("/")[2]
    root = f"http://{own_host(igd)}"
    for path in ("/", "/igd1.xml", "/rootDesc.xml", "/ctl/IPConn", "/upnp/control/WANIPConn1", "/" + rest,
                 "//" + rest, f"/{'0' * len(token_of(igd))}/{rest}", f"/{token_of(igd)[:-1]}/{rest}",
                 f"/{token_of(igd)}0/{rest}", f"/{token_of(igd).upper()}x/{rest}", f"/*/{rest}"):
        assert refused(igd, url=root + path) == 404
        status, _, body = igd.http("GET", root + path)
        assert status == 404 and token_of(igd).encode() not in body


def test_the_path_is_the_same_after_a_restart_and_another_on_another_router(make_lab):
    lab = make_lab()
    upnpd = Upnpd(lab).start()
    first = find_igd(lab.pc1)
    upnpd.stop()
    upnpd.start()
    assert Igd(lab.pc1, first.location).url(WAN_IP_2) == first.url(WAN_IP_2)
    upnpd.stop()
    other = Upnpd(lab).start()  # a lease file, and so an identity, of its own
    assert token_of(find_igd(lab.pc1)) != token_of(first)
    other.stop()
