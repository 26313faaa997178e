"""The OpenWrt packages' Makefiles, as make reads them."""

import json
import os

import pytest

from router import HOME, PACKAGE, ROOT, make_package

# The packages' names in OpenWrt's and its feeds' Makefiles, 23.05 to main.
DEPENDS = {"libstdcpp", "libupnp", "libmicrohttpd", "pugixml", "libnftnl", "libmnl", "libnetfilter-conntrack", "libev",
           "libjson-c", "libseccomp", "libcap-ng", "firewall4", "kmod-nft-core", "kmod-nft-nat",
           "kmod-nf-conntrack-netlink", "kmod-inet-diag"}
PLACES = {"usr/sbin/upnpd": 0o755, "usr/sbin/upnpd-admin": 0o755, "etc/init.d/upnpd": 0o755,
          "etc/init.d/miniupnpd": 0o755, "etc/config/upnpd": 0o600, "etc/uci-defaults/95-upnpd": 0o755,
          "usr/share/nftables.d/chain-post/forward/50-upnpd.nft": 0o644, "usr/share/upnpd/render.sh": 0o644,
          "usr/share/upnpd/luci.upnp": 0o644, "usr/share/rpcd/acl.d/upnpd.json": 0o644}


def words_of(said, name):
    return said.split(f"{name}=")[1].split("=")[0].split()


def test_it_takes_miniupnpds_place_and_asks_for_what_it_needs(router):
    assert {word.lstrip("+") for word in words_of(router.said, "DEPENDS")} - {"PROVIDES"} == DEPENDS
    assert "miniupnpd" in words_of(router.said, "PROVIDES")
    assert {"miniupnpd-nftables", "miniupnpd-iptables"} <= set(words_of(router.said, "CONFLICTS"))
    assert words_of(router.said, "USERID")[0] == "upnpd:upnpd"
    assert router.read("conffiles").split() == ["/etc/config/upnpd"]


def test_it_is_made_small_by_flags_that_every_openwrt_served_knows(router):
    assert set(words_of(router.said, "FLAGS_IN_TIME")) == {"gc-sections", "lto"}


@pytest.mark.parametrize("place", PLACES)
def test_each_file_lies_where_openwrt_looks_for_it(built_router, place):
    assert os.stat(built_router.root / place).st_mode & 0o777 == PLACES[place]


def test_the_source_is_what_meson_needs(built_router):
    source = built_router.root.parent / "built/source"
    wanted = {"meson.build", "meson_options.txt", "src", "include", "xml", "scripts", "packaging", "LICENSE"}
    assert {path.name for path in source.iterdir()} == wanted


def test_the_version_is_the_projects():
    meson = (ROOT / "meson.build").read_text().split("version: '")[1].split("'")[0]
    assert f"PKG_VERSION:={meson}\n" in (PACKAGE / "Makefile").read_text()


def test_pugixml_installs_its_library(tmp_path):
    (tmp_path / "built/usr/lib").mkdir(parents=True)
    (tmp_path / "built/usr/lib/libpugixml.so.1").write_text("")
    (tmp_path / "router").mkdir()
    said = make_package(ROOT / "openwrt/pugixml", tmp_path / "built", tmp_path / "router")
    assert "+libstdcpp" in said
    assert (tmp_path / "router/usr/lib/libpugixml.so.1").exists()


def test_the_acl_lets_pages_see_and_delete(router):
    acl = json.loads(router.read("usr/share/rpcd/acl.d/upnpd.json"))["upnpd"]
    assert acl["read"]["ubus"] == {"luci.upnp": ["get_status"]}
    assert acl["write"]["ubus"] == {"luci.upnp": ["delete_rule"]}


@pytest.mark.parametrize("environment, enabled, events", [
    (["PKG_UPGRADE=1"], 1, ["start", "stop", "start"]), (["PKG_UPGRADE=1"], 0, []), ([], 1, ["start"]),
    (["PKG_UPGRADE=1", "IPKG_INSTROOT=/image"], 1, ["start"])], ids=["upgrade", "upgrade, disabled", "first install", "image"])
def test_an_upgrade_restarts_what_runs(router, environment, enabled, events):
    router.reset(f"config upnpd 'config'\n\toption enabled '{enabled}'\n", HOME)
    router.init("start")  # as OpenWrt does before
    router.run("env", *environment, "ash", "/postinst")
    assert router.events == events


def test_the_page_gets_its_own_backend_back_when_the_package_goes(router):
    place = "usr/share/rpcd/ucode/luci.upnp"
    router.write(place, "the page's own\n")
    router.init("start")
    assert router.read(place) == (PACKAGE / "files/luci.upnp").read_text()
    router.init("start")  # does not take its own for the page's
    router.run("ash", "/prerm")
    assert router.read(place) == "the page's own\n"
    (router.root / place).unlink()
    (router.root / place).parent.rmdir()


def test_a_page_that_was_updated_meanwhile_stays_when_the_package_goes(router):
    place = "usr/share/rpcd/ucode/luci.upnp"
    router.write(place, "the page's own\n")
    router.init("start")
    router.write(place, "the page's newer\n")
    router.run("ash", "/prerm")
    assert router.read(place) == "the page's newer\n"
    assert not (router.root / "usr/share/upnpd/luci.upnp.replaced").exists()
    (router.root / place).unlink()
    (router.root / place).parent.rmdir()
