"""/etc/init.d/upnpd: when procd starts upnpd, when it signals it, when it leaves it alone."""

import pytest

from router import HOME

UCI = """config upnpd 'config'
	option enabled '1'
	option uuid '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'
"""


@pytest.fixture
def running(router):
    router.reset(UCI, HOME)
    router.init("start")
    assert router.events == ["start"], router.log
    return router


def instance(router):
    return router.read("procd/instance").splitlines()


def test_it_runs_in_the_foreground_with_a_signal_for_reload_and_is_started_again(running):
    lines = instance(running)
    assert "command /usr/sbin/upnpd --syslog --config /var/etc/upnpd/upnpd.conf" in lines
    assert "reload_signal HUP" in lines and "respawn 3600 5 0" in lines
    assert "file /var/etc/upnpd/upnpd.conf" in lines
    assert running.read("procd/triggers").splitlines() == [
        "config upnpd firewall", "event interface.* 2000 /etc/init.d/upnpd reload"]


@pytest.mark.parametrize("uci", [None, UCI.replace("'1'", "'0'"), "config upnpd 'settings'\n"],
                         ids=["shipped", "off", "proposed, not enabled"])
def test_disabled_is_not_started(router, uci):
    router.reset(uci, HOME)
    router.init("start")
    assert router.events == [] and "disabled in /etc/config/upnpd" in router.log


def test_disabling_it_stops_it(running):
    running.write("etc/config/upnpd", UCI.replace("'1'", "'0'"))
    running.init("reload")
    assert running.events == ["start", "stop"]


@pytest.mark.parametrize("stop", ["reload", "stop"])
def test_what_did_not_run_is_started_once(running, stop):
    running.write("etc/config/upnpd", UCI.replace("'1'", "'0'"))
    running.init(stop)
    running.write("etc/config/upnpd", UCI + "\toption log_output '1'\n")
    running.init("reload")
    assert running.events == ["start", "stop", "start"]


def test_an_event_that_changes_nothing_touches_nothing(running):
    running.init("reload")
    assert running.events == ["start"]


def test_a_changed_option_is_a_signal_and_no_restart(running):
    running.write("etc/config/upnpd", UCI + "\toption secure_mode '0'\n")
    running.init("reload")
    assert running.events == ["start", "signal HUP"] and "secure_mode=no" in running.config


def test_debugging_needs_a_restart(running):
    running.write("etc/config/upnpd", UCI + "\toption log_output '1'\n")
    running.init("reload")
    assert running.events[-2:] == ["stop", "start"]
    assert "command /usr/sbin/upnpd --syslog --debug --config /var/etc/upnpd/upnpd.conf" in instance(running)


def test_where_the_journal_is_to_be_elsewhere_mappings_and_identity_go_along(running):
    running.write("var/lib/upnpd/leases", "a mapping\n")
    running.write("var/lib/upnpd/leases.identity", "a UUID\n")
    running.write("etc/config/upnpd", UCI + "\toption upnp_lease_file '/etc/upnp.leases'\n")
    running.init("reload")
    assert running.events[-2:] == ["stop", "start"]
    assert "lease_file=/etc/upnp.leases.upnpd/leases" in running.config
    assert running.read("etc/upnp.leases.upnpd/leases") == "a mapping\n"
    assert running.read("etc/upnp.leases.upnpd/leases.identity") == "a UUID\n"
    running.write("etc/upnp.leases.upnpd/leases", "another\n")
    running.init("restart")
    assert running.read("etc/upnp.leases.upnpd/leases") == "another\n"


def test_another_address_of_the_wan_touches_nothing(running):
    running.set_networks({**HOME, "wan": {"l3_device": "eth1", "address": "203.0.113.99"}})
    running.init("reload")
    assert running.events == ["start"]


def test_a_wan_that_is_down_neither_stops_nor_reloads_it(running):
    running.set_networks({"lan": HOME["lan"]})
    running.init("reload")
    assert running.events == ["start"]
    running.set_networks(HOME)
    running.init("reload")
    assert running.events == ["start"]


def test_another_wan_is_a_signal(running):
    running.set_networks({**HOME, "default": {"wan": "lte"}, "lte": {"l3_device": "wwan0"}})
    running.init("reload")
    assert running.events == ["start", "signal HUP"] and "ext_ifname=wwan0" in running.config


def test_it_starts_before_the_wan_is_there(router):
    router.reset(UCI, {"lan": HOME["lan"]})
    router.init("start")
    assert router.events == ["start"]
    assert not [line for line in router.config if line.startswith("ext_ifname")], "the default route's, when there is one"


def test_a_dial_up_wan_has_its_name_before_it_is_up(router):
    router.reset(UCI + "\toption external_iface 'dsl'\n", {"lan": HOME["lan"], "dsl": {"device": "eth7"}})
    router.write("etc/config/network", "config interface 'dsl'\n\toption proto 'pppoe'\n\toption device 'eth7'\n")
    router.init("start")
    assert "ext_ifname=pppoe-dsl" in router.config


@pytest.mark.parametrize("network, name", [
    ("dsl", "dsl"), ("wwan", "wwan"), ("umts", "3g-umts"), ("nonesuch", "nonesuch")])
def test_a_named_wan_without_a_device_yet_is_no_other(router, network, name):
    router.reset(UCI + f"\toption external_iface '{network}'\n", HOME)
    router.write("etc/config/network", "config interface 'dsl'\n\toption proto 'openconnect'\n"
                 "config interface 'wwan'\n\toption proto 'qmi'\n\toption device '/dev/cdc-wdm0'\n"
                 "config interface 'umts'\n\toption proto '3g'\n\toption device '/dev/ttyUSB0'\n")
    router.init("start")
    assert [line for line in router.config if line.startswith("ext_ifname=")] == [f"ext_ifname={name}"]
    (router.root / "etc/config/network").unlink()


def test_a_lan_that_is_not_up_yet_has_the_name_of_its_configuration(router):
    router.reset(UCI, {})
    router.write("etc/config/network", "config interface 'lan'\n\toption proto 'static'\n\toption device 'br-lan'\n")
    router.init("start")
    assert router.events == ["start"] and "listening_ip=br-lan" in router.config
    (router.root / "etc/config/network").unlink()


def lans(router):
    return [line.partition("=")[2] for line in router.config if line.startswith("listening_ip=")]


def test_a_lan_without_a_device_yet_is_waited_for(router):
    router.reset(UCI, {})
    router.init("start")
    assert router.events == ["start"] and lans(router) == ["lan"] and "network lan has no device yet" in router.log
    router.set_networks(HOME)
    router.init("reload")
    assert router.events == ["start", "signal HUP"] and lans(router) == ["br-lan"]


def test_a_lan_whose_device_goes_for_a_while_stays_named_and_in_its_place(router):
    router.reset(UCI + "\toption internal_iface 'guest lan'\n", HOME)
    router.init("start")
    assert lans(router) == ["br-guest", "br-lan"]
    router.set_networks({name: network for name, network in HOME.items() if name != "guest"})
    router.init("reload")
    assert lans(router) == ["guest", "br-lan"], "its mappings wait for it"


def test_the_owners_own_file_is_used_as_it_is(router):
    router.write("etc/my/upnpd.conf", "listening_ip=br-lan\nlease_file=/etc/my/state/leases\n")
    router.reset(UCI + "\toption config_file '/etc/my/upnpd.conf'\n", HOME)
    router.init("start")
    assert "command /usr/sbin/upnpd --syslog --config /etc/my/upnpd.conf" in instance(router)
    assert (router.root / "etc/my/state").is_dir()


def test_the_owners_own_file_that_is_not_there_is_named_once(router):
    router.reset(UCI + "\toption config_file '/etc/my/none.conf'\n", HOME)
    assert router.init("start") == ""
    assert router.events == [] and "config_file /etc/my/none.conf is not there" in router.log


@pytest.fixture
def jailing(router):
    """A router that has ujail."""
    router.write("sbin/ujail", "")
    (router.root / "sbin/ujail").chmod(0o755)
    yield router
    (router.root / "sbin/ujail").unlink()


def mounts(router, kind):
    (line,) = [line.split()[1:] for line in instance(router) if line.startswith(kind + " ")]
    return line


def test_in_a_jail_it_sees_directories_not_files(jailing):
    jailing.reset(UCI, HOME)
    jailing.write("var/run/miniupnpd.leases", "TCP:8080:192.168.1.5:80:0:web\n")
    jailing.init("start")
    assert "jail upnpd log procfs sysfs" in instance(jailing)
    assert mounts(jailing, "mount") == ["/var/etc/upnpd", "/etc/passwd", "/etc/group", "/var/run/miniupnpd.leases"]
    assert mounts(jailing, "mount_rw") == ["/var/run/upnpd", "/var/lib/upnpd"]
    assert all((jailing.root / path[1:]).is_dir() for path in ("/var/run/upnpd", "/var/lib/upnpd"))


def test_a_directory_is_no_lease_file(jailing):
    jailing.write("etc/leases/kept", "")
    jailing.reset(UCI + "\toption upnp_lease_file '/etc/leases'\n", HOME)
    jailing.init("start")
    assert not [line for line in jailing.config if line.startswith("import_lease_file=")]
    assert mounts(jailing, "mount") == ["/var/etc/upnpd", "/etc/passwd", "/etc/group"]


def test_a_jail_shows_what_the_owners_own_file_names_and_nothing_that_is_missing(jailing):
    jailing.write("etc/my/upnpd.conf", "listening_ip = br-lan \nlease_file= /etc/my/state/leases\n"
                  "admin_socket=/var/run/mine/sock\nimport_lease_file=/var/run/none\nlease_file6=/etc/my/six\n")
    jailing.write("etc/my/six", "")
    jailing.reset(UCI + "\toption config_file '/etc/my/upnpd.conf'\n", HOME)
    jailing.init("start")
    assert mounts(jailing, "mount") == ["/etc/my", "/etc/passwd", "/etc/group", "/etc/my/six"]
    assert mounts(jailing, "mount_rw") == ["/var/run/upnpd", "/etc/my/state", "/var/run/mine"]


@pytest.mark.parametrize("chain, reloads", [("", 1), ("meta mark 0x55506e50 accept", 0)], ids=["lacks it", "has it"])
def test_the_firewall_is_reloaded_once_and_only_where_it_lacks_the_snippet(router, chain, reloads):
    router.reset(UCI, HOME)
    router.write("fw4/forward", chain)
    router.init("start")
    router.init("reload")
    assert router.read("fw4/events").split() == ["reload"] * reloads


@pytest.fixture
def closed(router):
    """A router whose firewall includes nothing by itself, with upnpd started."""
    router.reset(UCI, HOME)
    router.write("fw4/no_includes", "")
    router.init("start")
    return router


def test_a_firewall_that_includes_nothing_is_reloaded_once_and_its_owner_told_what_to_do(closed):
    closed.init("reload")
    closed.init("reload")
    assert closed.read("fw4/events").split() == ["reload"] and closed.events == ["start"]
    (error,) = [line for line in closed.log.splitlines() if line.startswith("daemon.err: ")]
    assert "auto_includes" in error and "chain forward: meta mark 0x55506e50 accept" in error


def test_a_firewall_that_includes_nothing_is_tried_again_at_the_start_after_a_stop(closed):
    closed.init("stop")
    closed.init("start")
    closed.init("reload")
    assert closed.read("fw4/events").split() == ["reload", "reload"]


def test_a_firewall_that_its_owner_has_opened_and_that_loses_the_snippet_is_reloaded(closed):
    closed.write("fw4/forward", "meta mark 0x55506e50 accept")
    closed.init("reload")
    (closed.root / "fw4/forward").unlink()
    (closed.root / "fw4/no_includes").unlink()
    closed.init("reload")
    closed.init("reload")
    assert closed.read("fw4/events").split() == ["reload", "reload"]


def test_without_fw4_there_is_nothing_to_reload(router):
    router.reset(UCI, HOME)
    (router.root / "fw4").rmdir()
    router.init("start")
    assert router.events == ["start"] and not (router.root / "fw4").exists()


def test_miniupnpds_name_is_upnpds(router):
    router.reset(UCI, HOME)
    router.run("/etc/init.d/miniupnpd", "start")
    assert router.events == ["start"]
    router.run("/etc/init.d/miniupnpd", "enable")
    router.run("/etc/init.d/miniupnpd", "stop")
    assert router.events == ["start", "enable /etc/init.d/upnpd", "stop"]


def test_miniupnpds_name_tells_whether_upnpd_runs(router):
    router.reset(UCI, HOME)
    told = "/etc/init.d/miniupnpd running && echo yes || echo no; /etc/init.d/miniupnpd status || echo $?"
    assert router.run("sh", "-c", told).split() == ["no", "inactive", "3"]
    router.init("start")
    assert router.run("sh", "-c", told).split() == ["yes", "running"]


def test_in_an_image_being_built_miniupnpds_name_runs_nothing(router):
    router.run("env", "IPKG_INSTROOT=/", "ash", "/etc/rc.common", "/etc/init.d/miniupnpd", "enable")
    assert router.events == []


def test_an_include_that_miniupnpd_left_is_taken_away(router):
    router.write("etc/config/firewall", "config include 'miniupnpd'\n\toption type 'script'\n\toption path '/gone'\n")
    router.run("ash", "/etc/uci-defaults/95-upnpd")
    assert "miniupnpd" not in router.read("etc/config/firewall")
    (router.root / "etc/config/firewall").unlink()
