"""Other people's clients, as Debian has them, from discovery to traffic."""

import os
import pathlib
import shutil
import subprocess

import pytest

from igd_client import find_igd
from lab import PUBLIC_WAN
from namespace import wait_until
from traffic import UdpEcho, WebServer, fetch, is_closed, udp_passes

PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def lab(make_lab):
    return make_lab(wan=PUBLIC_WAN)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


def upnpc(lab, *arguments, igd=None):
    """Runs upnpc on the PC; with `igd` it is told the description's URL and need not search again."""
    known = ["-u", igd.location] if igd else []
    result = lab.pc1.run("upnpc", *known, *arguments)
    assert result.returncode == 0, result.stdout
    return result.stdout


def test_upnpc_maps_lists_and_deletes(lab, upnpd, closing):
    need("upnpc")
    closing(WebServer(lab.pc1, 80, "a page of the PC"))
    closing(UdpEcho(lab.pc1, 5000))
    pc = lab.pc1.address
    said = upnpc(lab, "-e", "upnpc's web", "-a", pc, "80", "8080", "TCP", "3600")
    assert f"external {lab.wan_address}:8080 TCP is redirected to internal {pc}:80" in said
    igd = find_igd(lab.pc1)
    upnpc(lab, "-a", pc, "5000", "6000", "UDP", igd=igd)
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page of the PC"
    assert udp_passes(lab.inet1, lab.wan_address, 6000)
    listing = upnpc(lab, "-l", igd=igd)
    assert f"TCP  8080->{pc}:80" in listing and "upnpc's web" in listing
    assert f"UDP  6000->{pc}:5000" in listing
    upnpc(lab, "-d", "8080", "TCP", igd=igd)
    upnpc(lab, "-d", "6000", "UDP", igd=igd)
    assert is_closed(lab.inet1, lab.wan_address, 8080)
    assert not udp_passes(lab.inet1, lab.wan_address, 6000)
    assert "8080->" not in upnpc(lab, "-l", igd=igd)


def test_upnpc_takes_any_port(lab, upnpd, closing):
    need("upnpc")
    closing(WebServer(lab.pc1, 80, "a page of the PC"))
    igd = find_igd(lab.pc1)
    said = upnpc(lab, "-n", lab.pc1.address, "80", "8080", "TCP", igd=igd)
    assert f"{lab.wan_address}:8080" in said, said
    assert fetch(lab.inet1, lab.wan_address, 8080) == "a page of the PC"
    upnpc(lab, "-d", "8080", "TCP", igd=igd)


def test_upnpc_tells_the_status(lab, upnpd):
    need("upnpc")
    said = upnpc(lab, "-s")
    assert "Found valid IGD" in said
    assert f"ExternalIPAddress = {lab.wan_address}" in said
    assert "Connected, uptime=" in said and "Connection Type : IP_Routed" in said


def test_transmission_maps_its_port_by_itself(lab, upnpd):
    need("transmission-daemon")
    home = os.path.join(lab.directory, "transmission")
    pathlib.Path(home).mkdir()
    pathlib.Path(home, "settings.json").write_text(
        '{"peer-port": 51413, "port-forwarding-enabled": true, "dht-enabled": false, "lpd-enabled": false,'
        ' "rpc-enabled": false, "utp-enabled": false, "peer-port-random-on-start": false}')
    transmission = lab.pc1.start("transmission-daemon", "--foreground", "--config-dir", home, "--download-dir", home,
                                 env={**os.environ, "HOME": home})
    try:
        def mapped():
            return [m for m in upnpd.mappings() if m["external_port"] == 51413 and m["protocol"] == "TCP"]
        mapping = wait_until(mapped, 20, "transmission maps its port\n" + upnpd.log())[0]
        assert mapping["client"] == lab.pc1.address and mapping["internal_port"] == 51413
        lab.inet1.connect(lab.wan_address, 51413).close()
        with pytest.raises(OSError):
            lab.inet1.connect(lab.wan_address, 51414, timeout=0.3).close()
    finally:
        transmission.terminate()
        try:
            transmission.wait(10)
        except subprocess.TimeoutExpired:
            transmission.kill()
            transmission.wait()
    for mapping in upnpd.mappings():
        upnpd.admin("delete", str(mapping["id"]))


def test_a_gupnp_igd_program_maps_a_port(lab, upnpd, closing):
    found = subprocess.run([PYTHON, "-c", "import gi; gi.require_version('GUPnPIgd', '1.0'); "
                            "from gi.repository import GUPnPIgd"], capture_output=True)
    if found.returncode != 0:
        pytest.skip("gir1.2-gupnpigd-1.0 or python3-gi is not installed")
    closing(WebServer(lab.pc1, 4000, "a page of the PC"))
    program = os.path.join(os.path.dirname(__file__), "gupnp_igd_program.py")
    said = lab.pc1.run(PYTHON, program, lab.pc1.address, "8090", "4000").stdout
    assert f"mapped {lab.wan_address} 8090" in said, said
    assert fetch(lab.inet1, lab.wan_address, 8090) == "a page of the PC"


def test_a_gupnp_control_point_reads_subscribes_maps_and_unmaps(lab, upnpd, closing):
    """GUPnP is what gupnp-tools are made of; its reader of service descriptions is a strict one."""
    found = subprocess.run([PYTHON, "-c", "import gi; gi.require_version('GUPnP', '1.6'); "
                            "from gi.repository import GUPnP"], capture_output=True)
    if found.returncode != 0:
        pytest.skip("gir1.2-gupnp-1.6 or python3-gi is not installed")
    closing(WebServer(lab.pc1, 4001, "a page of the PC"))
    said = pathlib.Path(lab.directory, "gupnp")
    with open(said, "w") as output:
        program = lab.pc1.start(PYTHON, os.path.join(os.path.dirname(__file__), "gupnp_program.py"),
                                lab.pc1.address, "8092", "4001", input=subprocess.PIPE, output=output)

    def says(line):
        wait_until(lambda: line in said.read_text().splitlines(), 20, said.read_text)
    before = len(upnpd.mappings())
    try:
        says("described 11 17")
        says(f"mapped {lab.wan_address}")
        says(f"event ExternalIPAddress {lab.wan_address}")
        says(f"event PortMappingNumberOfEntries {before + 1}")
        assert fetch(lab.inet1, lab.wan_address, 8092) == "a page of the PC"
        program.communicate(b"\n", timeout=10)
        says("unmapped")
    finally:
        program.kill()
        program.wait()
    assert is_closed(lab.inet1, lab.wan_address, 8092)


@pytest.fixture(scope="module")
def npm():
    """The directory with the npm client, installed."""
    root = pathlib.Path(__file__).resolve().parents[2]
    installed = subprocess.run([root / "scripts/npm-client"], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    if installed.returncode != 0:
        pytest.skip(installed.stdout.strip().rpartition("\n")[2])
    return root / "build/npm"


def test_an_npm_program_maps_and_unmaps_its_port(lab, upnpd, closing, npm):
    """@achingbrain/nat-port-mapper of libp2p: searches from port 1900, AddAnyPortMapping, and an empty
    protocol to delete."""
    closing(WebServer(lab.pc1, 8091, "a page of the PC"))
    said = pathlib.Path(lab.directory, "npm")
    with open(said, "w") as output:
        program = lab.pc1.start("node", str(npm / "map_a_port.mjs"), lab.pc1.address, "8091", output=output)
    try:
        wait_until(lambda: said.read_text() or program.poll() is not None, 20, "it says something")
        assert said.read_text() == f"mapped {lab.wan_address} 8091\n"
        assert fetch(lab.inet1, lab.wan_address, 8091) == "a page of the PC"
        program.terminate()
        assert program.wait(10) == 0, said.read_text()
    finally:
        program.kill()
        program.wait()
    assert is_closed(lab.inet1, lab.wan_address, 8091)
    assert not [m for m in upnpd.mappings() if m["external_port"] == 8091]


def test_gssdp_discover_sees_upnpd_come_and_go(lab, upnpd):
    need("gssdp-discover", "stdbuf")
    upnpd.stop()
    heard = pathlib.Path(lab.directory, "heard")
    with open(heard, "w") as output:
        listener = lab.pc2.start("stdbuf", "-oL", "gssdp-discover", "-i", "eth0", "-t", "upnp:rootdevice", "-m", "all",
                                 output=output)
    try:
        upnpd.start()
        wait_until(lambda: "resource available" in heard.read_text(), 5, "it is announced")
        upnpd.stop()
        wait_until(lambda: "resource unavailable" in heard.read_text(), 5, "it says byebye")
    finally:
        listener.kill()
        listener.wait()
    upnpd.start()
