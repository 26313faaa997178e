"""upnpd's table comes and goes alone, and a WAN address of any kind is mapped."""

import contextlib

import pytest

from daemon import Upnpd
from igd_client import SoapFault, find_igd
from traffic import WebServer, fetch, is_closed

FOREIGN = """
table inet foreign {
  set upnpd { type ipv4_addr; elements = { 198.51.100.1 } }
  chain prerouting {
    type nat hook prerouting priority -90;
    tcp dport 9999 redirect to :22
  }
}
table ip6 upnpd {
  chain of_somebody_else { tcp dport 1 drop; }
}"""


@pytest.fixture
def start(lab):
    """Starts upnpd in `lab`, or in the lab given; ends it after the test."""
    started = []

    def start(lab=lab):
        started.append(Upnpd(lab).start())
        return started[-1]
    yield start
    for upnpd in started:
        upnpd.discard()


def ruleset_without_ours(lab):
    tables = ("\n" + lab.router.run("nft", "-s", "list", "ruleset").stdout).split("\ntable ")
    return [table.strip() for table in tables if not table.startswith("inet upnpd {")]


def test_a_clean_stop_takes_the_table_and_nothing_else(lab, start):
    lab.nft(FOREIGN)
    before = ruleset_without_ours(lab)
    upnpd = start(lab)
    find_igd(lab.pc1).add(8080, 80)
    assert "8080" in lab.table()
    assert ruleset_without_ours(lab) == before
    upnpd.stop()
    assert lab.table() == ""
    assert ruleset_without_ours(lab) == before


def test_the_table_has_the_shape_of_the_design(lab, start):
    start()
    find_igd(lab.pc1).add(8080, 80, lease=600)
    table = lab.table()
    for part in ("set external_addresses", "set lan_networks", "map mappings", "map remote_mappings", "map source_ports", "set begun_flows",
                 "chain prerouting", "chain postrouting", "chain forward_mark", "chain forward_unmark",
                 "0x55506e50", lab.wan_address, "192.168.77.0/24"):
        assert part in table, f"{part} not in\n{table}"


def test_a_static_redirect_of_the_other_firewall_wins(lab, start, closing):
    closing(WebServer(lab.pc1, 80, "mapped"))
    closing(WebServer(lab.pc2, 80, "static"))
    lab.nft("""table ip redirects { chain prerouting {
      type nat hook prerouting priority dstnat;
      iifname "wan" tcp dport 8081 dnat to 192.168.77.20:80
    }
    chain forward { type filter hook forward priority -10; ip daddr 192.168.77.20 meta mark set 0x55506e50; }
    }""")
    start()
    try:
        with contextlib.suppress(SoapFault):  # refused or not, it must not shadow the redirect
            find_igd(lab.pc1).add(8081, 80)
        find_igd(lab.pc1).add(8082, 80)
        assert fetch(lab.inet1, lab.wan_address, 8081) == "static"
        assert fetch(lab.inet1, lab.wan_address, 8082) == "mapped"
    finally:
        lab.nft("delete table ip redirects")


def test_the_mark_is_gone_after_the_forward_hook(lab, start, closing):
    """Whole-value and transient: whoever looks at marks later sees none of ours."""
    closing(WebServer(lab.pc1, 80, "a page"))
    lab.nft("""table ip after { counter marked { }
    chain postrouting { type filter hook postrouting priority 0; meta mark 0x55506e50 counter name marked; }
    }""")
    start()
    try:
        find_igd(lab.pc1).add(8080, 80)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        assert "packets 0 " in lab.router.run("nft", "list", "table", "ip", "after").stdout
    finally:
        lab.nft("delete table ip after")


def test_only_mapped_ports_of_a_mapped_host_pass_the_firewall(lab, start, closing):
    closing(WebServer(lab.pc1, 80, "a page"))
    closing(WebServer(lab.pc1, 81, "private"))
    lab.inet1.ip(f"route add 192.168.77.0/24 via {lab.wan_address}\n")
    start()
    try:
        find_igd(lab.pc1).add(8080, 80)
        assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
        for port in (80, 81):
            assert is_closed(lab.inet1, lab.pc1.address, port), "not by its own address"
    finally:
        lab.inet1.ip("route del 192.168.77.0/24\n")


@pytest.mark.parametrize("wan, kind", [("10.9.8", "private"), ("100.64.3", "carrier"), ("203.0.113", "documentation"),
                                       ("11.22.33", None)])
def test_a_wan_address_of_any_kind_is_mapped_and_the_status_says_what_it_means(make_lab, start, closing, wan, kind):
    lab = make_lab(wan=wan)
    closing(WebServer(lab.pc1, 80, "a page"))
    upnpd = start(lab)
    igd = find_igd(lab.pc1)
    igd.add(8080, 80)
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page"
    assert igd.external_address() == lab.wan_address
    note = upnpd.status()["wan"]["note"]
    if kind:
        assert kind in note.lower(), note
    else:
        assert not note
