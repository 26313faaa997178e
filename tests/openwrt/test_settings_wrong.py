"""What /etc/config/upnpd says wrongly, or in vain: it is named in the log, and never opens more than was meant."""

import re

import pytest

from router import HOME
from settings import LAN, QUIET_LAN, permissions, present, proposed, section, settled


@pytest.mark.parametrize("uci", [
    None, present("secure_mode 1", "igdv1 1", "enable_natpmp 0", "ext_allow_private_ipv4 1"),
    proposed("enabled_protocols upnp-igd", "upnp_igd_compat igdv1", "allow_cgnat allow-private-ext-ipv4"),
    proposed("allow_cgnat_use report-private-ipv4")], ids=["shipped", "present", "proposed", "proposed, nothing set"])
def test_what_upnpd_does_anyway_is_no_reason_for_a_warning(router, uci):
    router.reset(uci, networks=HOME)
    router.write("etc/config/upnpd", router.read("etc/config/upnpd").replace("enabled '0'", "enabled '1'"))
    router.init("start")
    assert router.events == ["start"], router.log
    assert "warning" not in router.run("/usr/sbin/upnpd", "--check", "--config", "/var/etc/upnpd/upnpd.conf")


def test_an_option_that_upnpd_has_no_use_for_is_named(router):
    settled(router, present("wps_button 1", "force_forwarding 1"))
    assert "option wps_button of upnpd 'config' in /etc/config/upnpd is not applicable" in router.log
    assert "force_forwarding in /etc/config/upnpd is not applicable" in router.log


@pytest.mark.parametrize("settings, option", [
    (present, "enable_natpmp 1"), (present, "igdv1 0"), (present, "use_stun 1"), (present, "ext_allow_private_ipv4 0"),
    (proposed, "enable_protocols all"), (proposed, "enabled_protocols pcp-natpmp"), (proposed, "upnp_igd_compat igdv2"),
    (proposed, "allow_cgnat 1"), (proposed, "allow_cgnat_use allow-filtered"), (proposed, "allow_third_party_mapping pcp")],
    ids=lambda value: getattr(value, "__name__", value))
def test_what_upnpd_does_not_do_is_named_by_the_option(router, settings, option):
    settled(router, settings(option))
    named = [line for line in router.log.splitlines() if "not applicable" in line]
    assert len(named) == 1 and named[0].startswith(f"daemon.warn: option {option.split()[0]}"), router.log


@pytest.mark.parametrize("settings, option, line", [
    (present, "secure_mode OFF", "secure_mode=yes"), (present, "enable_upnp No", "enable_upnp=yes"),
    (present, "ipv6_disable Yes", "ipv6_disable=no"), (proposed, "enable_protocols none", "enable_upnp=yes"),
    (proposed, "allow_third_party_mapping yes", "secure_mode=yes"), (proposed, "upnp_igd_compat igd2", "enable_upnp=yes"),
    (proposed, "allow_cgnat yes", "enable_upnp=yes")], ids=lambda value: getattr(value, "__name__", value))
def test_a_value_that_is_none_of_an_options_is_named_with_what_holds(router, settings, option, line):
    assert line in settled(router, settings(option))
    name, value = option.split()
    assert re.search(rf"option {name} is .*'{value}'.* holds$", router.log, re.MULTILINE), router.log


def test_what_is_wrong_with_a_networks_preset_is_told_once(router):
    settled(router, proposed(rest=section("internal_network", "interface lan", "check_acl maybe", "access_preset none")
                             + section("internal_network", "interface guest", "acl_preset none", "check_custom_acl firstly")))
    assert router.log.count("option check_acl is neither 0 nor 1 but 'maybe': 1 holds") == 1, router.log
    assert "check_custom_acl" not in router.log, "of none alone there is nothing to check first"


def test_what_the_settings_are_told_of_is_told_once(router):
    settled(router, present("wps_button 1", "secure_mode OFF", "port 80", "log_output chatty"))

    def told():
        return [line for line in router.log.splitlines() if re.search("chatty|wps_button|OFF|left out", line)]
    said = told()
    assert len(said) == 4
    router.init("reload")
    assert told() == said
    router.write("etc/config/upnpd", router.read("etc/config/upnpd") + "\n")
    router.init("reload")
    assert told() == said + [line for line in said if "left out" not in line], "that depends on what was rendered"


@pytest.mark.parametrize("uci", ["", "config upnpd\n\toption enabled 1\n"], ids=["empty", "without a name"])
def test_without_settings_nothing_is_started(router, uci):
    router.reset(uci, HOME).init("start")
    assert router.events == [] and "no section 'settings' or 'config' of type upnpd" in router.log


def test_without_a_file_of_settings_nothing_is_started(router):
    file = router.reset("", HOME).root / "etc/config/upnpd"
    file.rename(file.with_suffix(".away"))
    router.init("start")
    file.with_suffix(".away").rename(file)
    assert router.events == [] and "no section 'settings' or 'config' of type upnpd" in router.log


def test_a_network_without_an_interface_is_named(router):
    settled(router, proposed(rest=section("internal_network", "access_preset none") + QUIET_LAN))
    assert "the section internal_network 'cfg2' names no interface" in router.log


def test_two_ports_do_not_become_a_third(router):
    rule = section("perm_rule", "action deny", "ext_ports '22 80'") + section("perm_rule", "action allow", "ext_ports '81 82'")
    assert permissions(settled(router, present(rules=rule))) == ["deny 0-65535 0.0.0.0/0 0-65535"]
    assert router.log.count("everything is refused until this is put right: 'deny 22,80 ") == 1
    assert router.log.count("left out: 'allow 81,82 ") == 1


def test_a_wildcard_is_no_list_of_files(router):
    settled(router, proposed(rest=section("internal_network", "interface guest", "reject_ports ' '", "accept_ports '*'")))
    (said,) = [line for line in router.log.splitlines() if "left out" in line]
    assert "left out: 'allow * 192.168.2.1/24 * # accepted on guest'" in said


@pytest.mark.parametrize("ports", ["22 80", "22\t80", "22 # x"])
def test_what_is_no_port_is_no_expression_and_no_comment(router, ports):
    for schema in (present(rules=section("perm_rule", "action deny", f"int_ports '{ports}'", "desc_regex foo")),
                   proposed(rest=LAN + section("acl_entry", "action reject", f"int_port '{ports}'"))):
        assert "deny 0-65535 0.0.0.0/0 0-65535" in settled(router, schema)
        assert "everything is refused until this is put right" in router.log


@pytest.mark.parametrize("pattern", ['Xbox"|Play', '"Xbox"', '""'])
def test_an_expression_with_a_quote_allows_nothing(router, pattern):
    rule = section("perm_rule", "action allow", "ext_ports 80", f"desc_regex '{pattern}'")
    assert permissions(settled(router, present(rules=rule))) == ["deny 0-65535 0.0.0.0/0 0-65535"]
    assert "left out: 'allow 80 " in router.log


def test_an_address_of_two_lines_does_not_become_two(router):
    rule = section("perm_rule", "action allow", "ext_ports 80", "int_addr '192.168.1.5\nallow 0-65535 0.0.0.0/0'")
    assert permissions(settled(router, present(rules=rule))) == ["deny 0-65535 0.0.0.0/0 0-65535"]


@pytest.mark.parametrize("option", ["upnp_lease_file", "lease_file"])
def test_a_path_with_a_blank_is_not_used_and_named(router, option):
    assert "lease_file=/var/lib/upnpd/leases" in settled(router, present(f"{option} '/mnt/my disk/leases'"))
    assert f"option {option} '/mnt/my disk/leases' has a blank: it is not used" in router.log


def test_a_wan_whose_name_cannot_be_one_opens_no_port_on_another(router):
    lines = settled(router, present("external_iface 'a/b'"))
    assert [line for line in lines if line.startswith("ext_ifname")] == ["ext_ifname=no-such-wan"]
    assert "no port opens until this is put right: 'ext_ifname=a/b'" in router.log


def test_a_configuration_of_the_owners_that_cannot_be_had_is_not_replaced(router):
    router.reset(present("config_file '/etc/my upnpd.conf'"), HOME).init("start")
    assert router.events == [] and "option config_file '/etc/my upnpd.conf' has a blank" in router.log


def test_a_network_that_comes_later_has_its_wrong_ports_named_then(router):
    settings = proposed(rest=section("internal_network", "interface late", "reject_ports '22/tcp'"))
    settled(router, settings)
    assert "put right" not in router.log
    router.set_networks({**HOME, "late": {"l3_device": "br-late", "subnet": "192.168.9.1/24"}})
    router.init("reload")
    assert "everything is refused until this is put right: 'deny 22/tcp 192.168.9.1/24 " in router.log
    before = router.log
    router.init("reload")
    assert router.log == before


def test_a_reload_that_is_a_restart_tells_once(router):
    settled(router, present("wps_button 1"))
    router.write("etc/config/upnpd", present("wps_button 1", "log_output debug"))
    router.init("reload")
    assert router.events[-2:] == ["stop", "start"] and router.log.count("wps_button") == 2
    router.write("etc/config/upnpd", present("enabled 0"))
    router.init("reload")
    assert router.log.count("disabled in /etc/config/upnpd") == 1


def test_of_several_ipv6_wans_the_first_is_used_and_that_is_said(router):
    lines = settled(router, present("external_iface6 'guest wan6'"))
    assert [line for line in lines if line.startswith("ext_ifname6")] == ["ext_ifname6=br-guest"]
    assert "external_iface6 names several networks" in router.log


def test_a_network_that_there_is_not_is_named_as_such(router):
    assert "listening_ip=nosuch" in settled(router, present("internal_iface nosuch"))
    assert "there is no network nosuch in /etc/config/network" in router.log


FOREIGN_PRESENT = ("http_port 5000", "allow_third_party_mapping 1", "upnp_igd_compat igdv2", "reject_ports 22", "download_kbps 1000")
FOREIGN_PROPOSED = ("port 5000", "secure_mode 0", "enable_upnp 0", "download 1000", "igdv1 0", "use_stun 1", "stun_port 3478",
                    "ext_allow_private_ipv4 0")


@pytest.mark.parametrize("settings, options, section_name", [(present, FOREIGN_PRESENT, "config"), (proposed, FOREIGN_PROPOSED, "settings")],
                         ids=["present", "proposed"])
def test_an_option_of_the_other_schema_is_named(router, settings, options, section_name):
    settled(router, settings(*options))
    named = [line for line in router.log.splitlines() if "not applicable" in line]
    assert named == [f"daemon.warn: option {option.split()[0]} of upnpd '{section_name}' in /etc/config/upnpd is not applicable: "
                     "upnpd has nothing like it there" for option in options]


def test_what_each_network_says_is_not_read_of_the_settings(router):
    settled(router, proposed("reject_ports 8080", "internal_iface lan", rest=LAN))
    for option in ("reject_ports", "internal_iface"):
        assert f"option {option} of upnpd 'settings' in /etc/config/upnpd is not applicable" in router.log


@pytest.mark.parametrize("uci, named", [
    (present(rules=section("perm_rule", "action allow", "ext_port 80")), "option ext_port of perm_rule 'cfg2'"),
    (proposed(rest=section("acl_entry", "action accept", "ext_ports 80")), "option ext_ports of acl_entry 'cfg2'"),
    (proposed(rest=section("internal_network", "interface lan", "speed 9")), "option speed of internal_network 'cfg2'"),
    (present(rules="\tlist wps_buttons 1\n\tlist wps_buttons 2\n"), "option wps_buttons of upnpd 'config'"),
    (present(rules=section("wps", "button 1")), "section wps 'cfg2'"),
    (proposed(rest=section("upnpd 'config'", "secure_mode 0")), "section upnpd 'config'")],
    ids=["of a rule", "of an entry", "of a network", "a list", "a section of another kind", "both schemas"])
def test_nothing_is_left_out_in_silence(router, uci, named):
    settled(router, uci)
    assert router.log.count(f"{named} in /etc/config/upnpd is not applicable") == 1, router.log


@pytest.mark.parametrize("level, debug", [("default", False), ("info", False), ("debug", True), ("chatty", False)])
def test_log_output_by_its_names(router, level, debug):
    settled(router, proposed(f"log_output {level}"))
    assert ("--debug" in router.read("procd/instance")) == debug
    assert ("log_output 'chatty' is none of default, info and debug" in router.log) == (level == "chatty")


@pytest.mark.parametrize("option", ["port 80", "port many", "uuid wrong", "external_ip not.an.address", "notify_interval -5",
                                    "max_lease 'a day'"])
def test_a_wrong_value_costs_its_own_line_alone(router, option):
    lines = settled(router, present(option))
    assert "listening_ip=br-lan" in lines and "ext_ifname=eth1" in lines
    assert not [line for line in lines if line.endswith("=" + option.split(" ", 1)[1].strip("'"))]
    assert "left out: '" in router.log


@pytest.mark.parametrize("zone", ["nosuch", "asleep"])
def test_a_zone_without_a_device_opens_no_port_on_another(router, zone):
    router.write("fw4/zone-asleep", "")
    lines = settled(router, present(f"external_zone {zone}"))
    assert [line for line in lines if line.startswith("ext_ifname")] == [f"ext_ifname={zone}"]
    assert router.log.count(f"firewall zone {zone} has no device, or there is no such zone") == 1


def test_a_wrong_rule_never_opens_more_than_its_author_meant(router):
    rules = section("perm_rule", "action deny", "ext_ports 70000", "comment wrong") + section("perm_rule", "action allow")
    assert permissions(settled(router, present(rules=rules)))[0] == "deny 0-65535 0.0.0.0/0 0-65535"
    rules = section("perm_rule", "action allow", "int_addr 300.1.1.1")
    lines = permissions(settled(router, present(rules=rules)))
    assert lines and all(line.startswith("deny ") for line in lines), "the usual rules are for who has none"


def test_a_value_of_two_lines_does_not_become_two(router):
    lines = settled(router, present("presentation_url 'http://a/\nsecure_mode=no'"))
    assert "presentation_url=http://a/" in lines and "secure_mode=no" not in lines
