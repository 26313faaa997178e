"""/etc/config/upnpd as people have it, and the upnpd.conf it becomes: read by the real upnpd."""

import pytest

from router import HOME
from settings import (ADDRESSES, ALWAYS, QUIET_LAN, UUID, WEB, on, on_all, on_lan, permissions, present, preset,
                      proposed, refused, section, settled)

# Options, the lines they become, lines that there must not be.
PRESENT = {
    "nothing but enabled": ([], ["ext_ifname=eth1", "listening_ip=br-lan", "enable_upnp=yes",
                                 "secure_mode=yes", "http_port=5000", f"uuid={UUID}", *ALWAYS]),
    "enable_upnp": (["enable_upnp 0"], ["enable_upnp=no"]),
    "secure_mode": (["secure_mode off"], ["secure_mode=no"]),
    "download and upload": (["download 1024", "upload 512"], ["bitrate_down=8388608", "bitrate_up=4194304"]),
    "a gigabyte a second": (["download 1048576"], ["bitrate_down=4294967295"]),
    "leading zeros": (["download 08", "upload 0100"], ["bitrate_down=65536", "bitrate_up=819200"]),
    "no rate at all": (["download 0", "upload 00"], ["bitrate_down=0", "bitrate_up=0"]),
    "more than a shell counts": (["upload 99999999999999999999"], ["bitrate_up=4294967295"]),
    "two LANs": (["internal_iface 'lan guest'"], ["listening_ip=br-lan", "listening_ip=br-guest"]),
    "external_iface": (["external_iface guest"], ["ext_ifname=br-guest"]),
    "two WANs": (["external_iface 'wan guest'"], ["ext_ifname=eth1", "ext_ifname=br-guest"]),
    "external_iface6": (["external_iface6 wan6"], ["ext_ifname=eth1", "ext_ifname6=eth6"]),
    "external_zone": (["external_zone internet"], ["ext_ifname=eth9"]),
    "external_ip": (["external_ip 198.51.100.7"], ["ext_ip=198.51.100.7"]),
    "port": (["port 49152"], ["http_port=49152"]),
    "upnp_lease_file": (["upnp_lease_file /etc/leases"], ["lease_file=/etc/leases.upnpd/leases"]),
    "serial_number": (["serial_number 4711"], ["serial=4711"]),
    "model_number": (["model_number 'Rev. 2'"], ["model_number=Rev. 2"]),
    "uuid": ([], [f"uuid={UUID}"]),
    "ipv6_disable": (["ipv6_disable 1"], ["ipv6_disable=yes"]),
    "system_uptime": (["system_uptime 0"], ["system_uptime=no"]),
    "notify_interval": (["notify_interval 1800"], ["notify_interval=1800"]),
    "presentation_url": (["presentation_url http://192.168.1.1/"], ["presentation_url=http://192.168.1.1/"]),
    "upnpd's own": (["max_mappings_per_host 64", "max_lease 3600", "end_flows 0"],
                    ["max_mappings_per_host=64", "max_lease=3600", "end_flows=0"]),
}
PROPOSED = {
    "nothing but enabled": ([], ["enable_upnp=yes", "secure_mode=yes", "http_port=5000",
                                 "listening_ip=br-lan", "deny 0-65535 0.0.0.0/0 0-65535 # what no list allows", *ALWAYS]),
    "enable_protocols": (["enable_protocols all"], ["enable_upnp=yes"]),
    "the other protocols": (["enable_protocols pcp+nat-pmp"], ["enable_upnp=no"]),
    "third parties": (["allow_third_party_mapping 1"], ["secure_mode=no"]),
    "third parties by UPnP": (["allow_third_party_mapping upnp-igd"], ["secure_mode=no"]),
    "third parties by PCP": (["allow_third_party_mapping pcp"], ["secure_mode=yes"]),
    "speeds": (["download_kbps 100000", "upload_kbps 40000"], ["bitrate_down=100000000", "bitrate_up=40000000"]),
    "friendly_name": (["friendly_name 'The <router> & co'"], ["friendly_name=The <router> & co"]),
    "http_port": (["http_port 0"], ["http_port=0"]),
    "lease_file": (["lease_file /mnt/leases"], ["lease_file=/mnt/leases.upnpd/leases"]),
    "enabled_protocols": (["enabled_protocols pcp-natpmp"], ["enable_upnp=no"]),
    "upnp_igd_ speeds": (["upnp_igd_download 100000", "upnp_igd_upload 40000"],
                         ["bitrate_down=100000000", "bitrate_up=40000000"]),
    "upnp_igd_friendly_name": (["upnp_igd_friendly_name 'My router'"], ["friendly_name=My router"]),
    "upnp_igd_http_port": (["upnp_igd_http_port 49152"], ["http_port=49152"]),
}
RULES = {
    "as shipped": ([["action allow", "ext_ports 1024-65535", "int_addr 0.0.0.0/0", "int_ports 1024-65535"],
                    ["action deny", "ext_ports 0-65535", "int_addr 0.0.0.0/0", "int_ports 0-65535"]],
                   ["allow 1024-65535 0.0.0.0/0 1024-65535 # ACL", "deny 0-65535 0.0.0.0/0 0-65535 # ACL"]),
    "nothing in it": ([[]], ["deny 0-65535 0.0.0.0/0 0-65535 # ACL"]),
    "one port, one host": ([["action allow", "ext_ports 80", "int_addr 192.168.1.7", "int_ports 8080", "comment 'my web'"]],
                           ["allow 80 192.168.1.7 8080 # my web"]),
    "a colon, a mask": ([["action allow", "ext_ports 27000:27050", "int_addr 192.168.1.0/255.255.255.0"]],
                        ["allow 27000-27050 192.168.1.0/255.255.255.0 0-65535 # ACL"]),
    "IPv6": ([["action allow", "ext_ports 80", "int_addr 2001:db8::/64", "int_ports 80"]], ["allow 80 2001:db8::/64 80 # ACL"]),
    "a rule that is disabled": ([["action disabled", "ext_ports 80"]], []),
    "a description": ([["action allow", "ext_ports 80", "desc_regex 'Xbox|Play.*'"]],
                      ['allow 80 0.0.0.0/0 0-65535 "Xbox|Play.*" # ACL']),
    "a verdict of another schema": ([["action accept", "ext_ports 80"]], ["deny 80 0.0.0.0/0 0-65535 # ACL"]),
}
ENTRIES = {
    "an entry": (section("acl_entry", "action accept", "int_addr 192.168.1.5", "ext_port 80", "int_port 80", "comment web"),
                 ["allow 80 192.168.1.5 80 # web"]),
    "a filter": (section("acl_entry", "action accept", "descr_filter 'Xbox|Play.*'"),
                 ['allow 1-65535 0.0.0.0/0 1-65535 "Xbox|Play.*" # ACL']),
    "an ignored entry": (section("acl_entry", "action ignore"), []),
    "an entry that is disabled": (section("acl_entry", "action disabled", "ext_port 80"), []),
    "an entry that says nothing": (section("acl_entry"), ["deny 1-65535 0.0.0.0/0 1-65535 # ACL"]),
    "ports refused before": (QUIET_LAN, refused("22")),
    "the usual refused ports": (section("internal_network", "interface guest", "access_preset accept-high-ports"), [
        line for ports in ("21", "23", "135", "137-139", "445", "3389")
        for line in refused(ports, "guest")] + on("guest", "allow", "1024-65535", "accepted")),
    "a network without the entries": (
        section("internal_network", "interface lan", "reject_ports 9", "access_preset none", "accept_ports '80 443'", "ignore_acl 1")
        + section("acl_entry", "action accept"),
        [*refused("9"),
         *on_lan("allow", "80", "accepted"), *on_lan("allow", "443", "accepted"), *on_lan("deny", "0-65535", "the rest"),
         "allow 1-65535 0.0.0.0/0 1-65535 # ACL"]),
    "access_defaults of a network": (
        section("internal_network", "interface lan", "reject_ports ' '", "access_defaults accept-web-ports")
        + section("acl_entry", "action accept"),
        ["allow 1-65535 0.0.0.0/0 1-65535 # ACL", *on_lan("allow", "80", "accepted"), *on_lan("allow", "443", "accepted")]),
    "rules as entries": (section("perm_rule", "action deny", "ext_ports 80", "comment web"), ["deny 80 0.0.0.0/0 0-65535 # web"]),
    "acl_preset alone": (
        preset("accept-high-ports+web"),
        [*on_lan("allow", "80", "accepted"), *on_lan("allow", "443", "accepted"), *on_lan("allow", "1024-65535", "accepted"),
         *on_lan("deny", "0-65535", "the rest"), WEB]),
    "acl_preset after the entries": (preset("accept-all-ports", "first"), [WEB, *on_lan("allow", "1-65535", "accepted")]),
    "acl_preset before the entries": (
        preset("accept-high-ports+web+dns", "last"),
        [line for ports in ("53", "80", "443", "1024-65535") for line in on_lan("allow", ports, "accepted")] + [WEB]),
    "acl_preset none": (preset("none"), [WEB]),
    "acl_custom_first": (preset("accept-all-ports", "' \n\toption acl_custom_first '1"), [WEB, *on_lan("allow", "1-65535", "accepted")]),
    "listed ports by their older names": (
        section("internal_network", "interface lan", "acl_reject_ports 9", "acl_preset accept-listed-ports", "acl_accept_ports 8080"),
        [*refused("9"), *on_lan("allow", "8080", "accepted"), *on_lan("deny", "0-65535", "the rest")]),
    "two networks of one section": (
        section("internal_network", "interface 'lan guest'", "reject_ports ' '", "access_preset accept-all-ports"),
        [f"allow 1-65535 {address} 1-65535 # accepted on lan guest" for address in ADDRESSES["lan"] + ADDRESSES["guest"]]),
    "networks that differ": (
        section("internal_network", "interface guest", "reject_ports ' '", "acl_preset accept-web-ports")
        + section("internal_network", "interface lan", "reject_ports ' '", "acl_preset accept-all-ports"),
        [*on("guest", "allow", "80", "accepted"), *on("guest", "allow", "443", "accepted"), *on("guest", "deny", "0-65535", "the rest"),
         *on_lan("allow", "1-65535", "accepted"), *on_lan("deny", "0-65535", "the rest")]),
    "commas between ports": (
        section("internal_network", "interface lan", "reject_ports '22,23'", "access_preset none", "accept_ports '80, 90 - 99'"),
        [*refused("22"), *refused("23"), *on_lan("allow", "80", "accepted"), *on_lan("allow", "90-99", "accepted")]),
    "a wildcard is no file's name": (
        section("internal_network", "interface lan", "reject_ports ' '", "access_preset none", "accept_ports '*'"), []),
    "an acl_preset that is not known": (preset("accept-some"), [*on_lan("deny", "0-65535", "the rest"), WEB]),
}
# What the settings say where no network has a section: options, permission lines.
EVERYWHERE = {
    "nothing": ([], [WEB]),
    "a preset, after the entries": (["access_preset accept-high-ports", "accept_ports 80"],
                                    [WEB, *on_all("allow", "1024-65535", "accepted"), *on_all("allow", "80", "accepted")]),
    "without the entries": (["access_preset accept-web-ports", "check_acl 0"],
                            [*on_all("allow", "80", "accepted"), *on_all("allow", "443", "accepted"),
                             *on_all("deny", "0-65535", "the rest"), WEB]),
    "access_defaults, without the entries": (["access_defaults accept-high-ports", "check_acl 0"],
                                             [*on_all("allow", "1024-65535", "accepted"),
                                              *on_all("deny", "0-65535", "the rest"), WEB]),
    "access_defaults, after the entries": (["access_defaults accept-all-ports", "check_acl 1"],
                                           [WEB, *on_all("allow", "1-65535", "accepted")]),
    "access_defaults, the web too": (["access_defaults accept-web+high-ports"],
                                     [WEB, *on_all("allow", "80", "accepted"), *on_all("allow", "443", "accepted"),
                                      *on_all("allow", "1024-65535", "accepted")]),
    "access_defaults before access_preset": (["access_defaults accept-high-ports", "access_preset accept-all-ports"],
                                             [WEB, *on_all("allow", "1024-65535", "accepted")]),
}


@pytest.mark.parametrize("name", PRESENT)
def test_an_option_of_the_present_schema(router, name):
    options, wanted = PRESENT[name]
    lines = settled(router, present(*options))
    assert [line for line in wanted if line not in lines] == [], lines
    assert "left out" not in router.log


@pytest.mark.parametrize("name", PROPOSED)
def test_an_option_of_the_proposed_schema(router, name):
    options, wanted = PROPOSED[name]
    lines = settled(router, proposed(*options, rest=QUIET_LAN))
    assert [line for line in wanted if line not in lines] == [], lines
    assert "left out" not in router.log


@pytest.mark.parametrize("name", RULES)
def test_rules_of_the_present_schema_in_their_order(router, name):
    rules, wanted = RULES[name]
    lines = settled(router, present(rules="".join(section("perm_rule", *rule) for rule in rules)))
    assert permissions(lines) == wanted


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_and_presets_of_the_proposed_schema_in_their_order(router, name):
    lines, wanted = ENTRIES[name]
    lan = "" if "internal_network" in lines else section(
        "internal_network", "interface lan", "reject_ports 22", "access_preset none")
    before = [] if "internal_network" in lines else refused("22")
    found = permissions(settled(router, proposed(rest=lan + lines)))
    assert found == before + wanted + ["deny 0-65535 0.0.0.0/0 0-65535 # what no list allows"]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_presets_for_all_networks(router, name):
    options, wanted = EVERYWHERE[name]
    entry = section("acl_entry", "action accept", "ext_port 80", "int_port 80", "comment web")
    lines = settled(router, proposed("internal_iface 'lan guest'", "reject_ports 22", *options, rest=entry))
    assert [line for line in lines if line.startswith("listening_ip=")] == ["listening_ip=br-lan", "listening_ip=br-guest"]
    assert permissions(lines) == [*refused("22", "every network"), *wanted, "deny 0-65535 0.0.0.0/0 0-65535 # what no list allows"]
    assert "not applicable" not in router.log


def test_unsafe_ports_are_refused_to_each_network_by_one_list(router):
    lines = settled(router, proposed("acl_reject_unsafe_ports '23 445'", rest=section("internal_network", "interface lan")))
    assert permissions(lines)[:-1] == [*refused("23"), *refused("445")]
    assert "not applicable" not in router.log


def test_the_shipped_settings_become_the_usual_rules(router):
    router.reset(networks=HOME)
    router.write("etc/config/upnpd", router.read("etc/config/upnpd").replace("enabled '0'", "enabled '1'"))
    router.init("start")
    assert permissions(router.config) == ["allow 1024-65535 0.0.0.0/0 1024-65535 # Allow high ports",
                                          "deny 0-65535 0.0.0.0/0 0-65535 # Default deny"]


TEMPLATES = section("acl_entry", "action disabled", "int_addr 192.168.1.100", "ext_port 80", "int_port 80", "comment web") + \
    section("acl_entry", "action disabled", "int_addr 192.168.1.100", "ext_port 32400", "comment media")


def test_entries_that_wait_to_be_enabled_refuse_nothing(router):
    lines = settled(router, proposed("access_preset accept-high-ports", "check_acl 1", "reject_ports ' '", rest=TEMPLATES))
    assert permissions(lines) == [*on_all("allow", "1024-65535", "accepted"), "deny 0-65535 0.0.0.0/0 0-65535 # what no list allows"]
    assert "acl_entry" not in router.log


def test_a_uuid_that_cannot_be_kept_is_not_used(router):
    uci = section("upnpd 'config'", "enabled 1").replace("'config'", "config")  # which the stand-in of uci does not find
    assert not [line for line in settled(router, uci) if line.startswith("uuid=")]


def test_the_proposed_schema_in_the_present_ones_section(router):
    entry = section("acl_entry", "action accept", "ext_port 80", "int_port 80", "comment web")
    network = section("internal_network", "interface guest", "reject_ports ' '", "access_preset none")
    lines = settled(router, section("upnpd 'config'", "enabled 1", f"uuid {UUID}") + network + entry)
    assert "listening_ip=br-guest" in lines and "listening_ip=br-lan" not in lines
    assert permissions(lines) == [WEB, "deny 0-65535 0.0.0.0/0 0-65535 # what no list allows"]
    assert "not applicable" not in router.log


def test_a_wan_that_the_owner_has_taken_out_does_not_stay(router):
    settled(router, present("external_iface guest"))
    router.write("etc/config/upnpd", present())
    router.set_networks({"lan": HOME["lan"]})
    router.init("reload")
    assert not [line for line in router.config if line.startswith("ext_ifname")]


@pytest.mark.parametrize("option", ["external_iface", "external_zone"])
def test_a_wan_with_a_long_name_is_waited_for_too(router, option):
    lines = settled(router, present(f"{option} a_network_of_many_letters"))
    assert [line for line in lines if line.startswith("ext_ifname")] == ["ext_ifname=a_network_of_ma"]


LOST = {"the prefix": "fd00:1::1/64", "all of IPv6": ""}


@pytest.mark.parametrize("left", LOST)
def test_a_prefix_that_is_away_for_a_moment_keeps_its_lines(router, left):
    settings = proposed(rest=section("internal_network", "interface lan", "access_preset accept-high-ports"))
    lines = settled(router, settings)
    router.set_networks({**HOME, "lan": {**HOME["lan"], "subnet6": LOST[left]}})
    router.init("reload")
    assert sorted(router.config) == sorted(lines)
    router.init("reload")
    assert sorted(router.config) == sorted(lines), "still"
    router.set_networks({**HOME, "lan": {**HOME["lan"], "subnet6": "2001:db8:99::1/64"}})
    router.init("reload")
    config = "\n".join(router.config)
    assert "allow 1024-65535 2001:db8:99::1/64 " in config and "2001:db8:1::1" not in config and "fd00:1::1/64" in config


def test_what_allows_a_mapping_outlives_a_boot_as_the_journal_does(router):
    uci = proposed("lease_file /etc/leases", rest=section("internal_network", "interface lan", "access_preset accept-high-ports"))
    lines = settled(router, uci)
    note = router.root / "etc/leases.upnpd/networks"
    written = note.stat()
    router.init("reload")
    assert note.stat().st_ino == written.st_ino, "flash is not written without need"
    router.reset(uci, {"lan": {"device": "br-lan"}}).init("start")
    assert permissions(router.config) == permissions(lines) != []
    note.unlink()


def test_a_lan_that_is_down_for_a_moment_keeps_its_lines(router):
    lines = settled(router, proposed(rest=section("internal_network", "interface lan", "access_preset accept-high-ports")))
    router.set_networks({"wan": HOME["wan"], "default": HOME["default"], "lan": {"device": "br-lan"}})
    router.init("reload")
    assert sorted(router.config) == sorted(lines) and router.events == ["start"]


@pytest.mark.parametrize("option", ["enabled_protocols pcp-natpmp", "acl_preset none", "access_preset none"])
def test_an_option_of_the_proposed_schema_is_enough_to_know_it(router, option):
    lines = settled(router, present(option))
    assert permissions(lines)[-1] == "deny 0-65535 0.0.0.0/0 0-65535 # what no list allows"
    assert "not applicable" not in router.log or "enabled_protocols 'pcp-natpmp'" in router.log


def test_a_tab_is_a_blank_between_ports(router):
    lines = settled(router, proposed(rest=section("internal_network", "interface guest", "reject_ports '22\t23'")))
    assert permissions(lines)[:-1] == [*refused("22", "guest"), *refused("23", "guest")]


def test_without_a_default_route_the_wan_stays_what_it_was(router):
    settled(router, present())
    router.set_networks({"lan": HOME["lan"]})
    router.init("reload")
    assert "ext_ifname=eth1" in router.config


def test_a_list_is_as_good_as_a_line_of_words(router):
    lines = settled(router, present(rules="\tlist internal_iface lan\n\tlist internal_iface guest\n"))
    assert [line for line in lines if line.startswith("listening_ip=")] == ["listening_ip=br-lan", "listening_ip=br-guest"]
    assert "not applicable" not in router.log


def test_the_uuid_is_made_once(router):
    uci = section("upnpd 'config'", "enabled 1")
    settled(router, uci)
    first = [line for line in router.config if line.startswith("uuid=")]
    router.init("reload")
    assert first and [line for line in router.config if line.startswith("uuid=")] == first
    assert first[0][5:] in router.read("etc/config/upnpd")


def test_leases_of_miniupnpd_are_named_for_import(router):
    router.reset(present("upnp_lease_file6 /var/run/six"), HOME)
    router.write("var/run/miniupnpd.leases", "TCP:8080:192.168.1.5:80:0:web\n")
    router.write("var/run/six", "TCP;2001:db8::5;80;;0;1;0;web\n")
    router.init("start")
    assert "import_lease_file=/var/run/miniupnpd.leases" in router.config
    assert "import_lease_file6=/var/run/six" in router.config
