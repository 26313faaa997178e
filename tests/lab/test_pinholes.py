"""WANIPv6FirewallControl: pinholes asked for over HTTP, tried with packets from the internet."""

import time

import pytest

from daemon import Upnpd
from gena import Subscriber
from igd_client import FIREWALL, IGD1, IGD2, SoapFault, find_igd, ssdp_answers
from ipv6 import LAN, ULA, Udp6, add_ipv6, listen6, tcp6_passes, udp6_passes
from namespace import wait_until

TCP, UDP = 6, 17


@pytest.fixture(scope="module")
def lab(make_lab):
    lab = make_lab()
    add_ipv6(lab)
    return lab


@pytest.fixture
def upnpd(lab):
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


@pytest.fixture
def game(lab, closing):
    """A UDP socket of pc1 at port 4000."""
    return closing(Udp6(lab.pc1, 4000))


def firewall_of(host):
    return find_igd(host, IGD2)


def call(igd, action, **arguments):
    return igd.call(action, arguments, FIREWALL)


def add(igd, client, port=4000, protocol=UDP, lease=600, remote_host="", remote_port=0):
    answer = call(igd, "AddPinhole", RemoteHost=remote_host, RemotePort=remote_port,
                  InternalClient=client, InternalPort=port, Protocol=protocol, LeaseTime=lease)
    return int(answer["UniqueID"])


def error_of(function, *arguments, **named):
    with pytest.raises(SoapFault) as fault:
        function(*arguments, **named)
    return fault.value.code


def packets(igd, unique_id):
    return int(call(igd, "GetPinholePackets", UniqueID=unique_id)["PinholePackets"])


def pinholes(upnpd):
    return upnpd.admin_json("list", "pinholes")["pinholes"]


def test_tcp_and_udp_reach_the_pc_through_a_dropping_firewall_until_deleted(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    with listen6(lab.pc1, 5000):
        assert not tcp6_passes(lab.inet1, lab.pc1.address6, 5000)
        assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
        tcp, udp = add(igd, lab.pc1.address6, 5000, TCP), add(igd, lab.pc1.address6)
        assert tcp != udp
        assert tcp6_passes(lab.inet1, lab.pc1.address6, 5000)
        assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
        assert not tcp6_passes(lab.inet1, lab.pc1.address6, 5001)
        assert not udp6_passes(lab.inet1, game, ULA + "10", 4000)
        call(igd, "DeletePinhole", UniqueID=tcp)
        call(igd, "DeletePinhole", UniqueID=udp)
        assert not tcp6_passes(lab.inet1, lab.pc1.address6, 5000)
        assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    assert error_of(call, igd, "DeletePinhole", UniqueID=udp) == 704
    assert pinholes(upnpd) == []


def answered_player(lab, game):
    """A socket of inet1 whose flow to the game goes both ways: one that is not answered is no established one."""
    player = Udp6(lab.inet1, 6000)
    player.send(lab.pc1.address6, 4000)
    assert game.receive()
    game.send(lab.inet1.address6, 6000)
    assert player.receive()
    return player


def test_deleting_ends_the_flow_that_came_in(lab, upnpd, game, closing):
    igd = firewall_of(lab.pc1)
    unique_id = add(igd, lab.pc1.address6)
    player = closing(answered_player(lab, game))
    call(igd, "DeletePinhole", UniqueID=unique_id)
    time.sleep(0.3)
    player.send(lab.pc1.address6, 4000)
    assert game.receive() is None, "the established flow goes on"


def test_the_flow_of_a_lease_that_ended_while_upnpd_was_dead_ends_at_the_start(lab, upnpd, game, closing):
    add(firewall_of(lab.pc1), lab.pc1.address6, lease=1)
    player = closing(answered_player(lab, game))
    upnpd.kill()
    time.sleep(1.2)
    player.send(lab.pc1.address6, 4000)
    assert game.receive()
    upnpd.start()
    time.sleep(0.3)
    player.send(lab.pc1.address6, 4000)
    assert game.receive() is None, "the established flow goes on"


def test_the_lease_ends_and_its_end_is_told(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    unique_id = add(igd, lab.pc1.address6, lease=1)
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    time.sleep(1.2)
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    assert error_of(packets, igd, unique_id) == 704
    assert "expired" in upnpd.log()


def test_update_and_the_same_five_values_extend_the_lease_and_keep_id_and_count(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    unique_id = add(igd, lab.pc1.address6, lease=2)
    assert error_of(call, igd, "CheckPinholeWorking", UniqueID=unique_id) == 709
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    call(igd, "UpdatePinhole", UniqueID=unique_id, NewLeaseTime=600)
    assert packets(igd, unique_id) == 1
    assert add(igd, lab.pc1.address6, lease=700) == unique_id
    assert len(pinholes(upnpd)) == 1 and 690 <= pinholes(upnpd)[0]["expires_in"] <= 700
    time.sleep(2.2)
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    assert packets(igd, unique_id) == 2
    assert call(igd, "CheckPinholeWorking", UniqueID=unique_id) == {"IsWorking": "1"}


def test_a_remote_host_or_port_that_is_named_is_the_only_one_that_comes_in(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    here = lab.pc1.address6
    unique_id = add(igd, here, remote_host=lab.inet1.address6)
    assert udp6_passes(lab.inet1, game, here, 4000)
    assert not udp6_passes(lab.inet2, game, here, 4000)
    call(igd, "DeletePinhole", UniqueID=unique_id)
    unique_id = add(igd, here, remote_port=6000)
    assert udp6_passes(lab.inet2, game, here, 4000, source_port=6000)
    assert not udp6_passes(lab.inet2, game, here, 4000, source_port=6001)
    call(igd, "DeletePinhole", UniqueID=unique_id)
    add(igd, here, remote_host=lab.inet2.address6, remote_port=6002)
    assert udp6_passes(lab.inet2, game, here, 4000, source_port=6002)
    assert not udp6_passes(lab.inet1, game, here, 4000, source_port=6002)
    assert not udp6_passes(lab.inet2, game, here, 4000, source_port=6003)


def test_after_kill_9_id_lease_count_and_packets_are_what_they_were(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    add(igd, lab.pc1.address6, 4001)
    unique_id = add(igd, lab.pc1.address6, lease=600)
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    upnpd.kill()
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    upnpd.start()
    igd = firewall_of(lab.pc1)
    assert packets(igd, unique_id) == 2
    assert add(igd, lab.pc1.address6, lease=600) == unique_id
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    assert add(igd, lab.pc1.address6, 4002) not in (unique_id, 1)
    call(igd, "DeletePinhole", UniqueID=unique_id)
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)


def test_a_clean_stop_closes_and_the_next_start_opens_with_the_same_id(lab, upnpd, game):
    unique_id = add(firewall_of(lab.pc1), lab.pc1.address6, remote_host=lab.inet1.address6)
    upnpd.stop()
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    upnpd.start()
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    listed = pinholes(upnpd)
    assert [p["id"] for p in listed] == [unique_id] and 590 <= listed[0]["expires_in"] <= 600


def test_a_table_that_somebody_deleted_is_made_again_with_its_pinholes(lab, upnpd, game):
    upnpd.discard()
    editable = Upnpd(lab, table_owner="no").start()
    try:
        igd = firewall_of(lab.pc1)
        unique_id = add(igd, lab.pc1.address6)
        lab.nft("delete table inet upnpd")
        wait_until(lambda: udp6_passes(lab.inet1, game, lab.pc1.address6, 4000), 1, "the table is repaired")
        assert add(igd, lab.pc1.address6, 4001) != unique_id
        assert packets(igd, unique_id) >= 1
    finally:
        editable.discard()


def test_what_policy_no_longer_permits_does_not_come_back(lab, upnpd, game):
    add(firewall_of(lab.pc1), lab.pc1.address6)
    kept = add(firewall_of(lab.pc1), lab.pc1.address6, 4001)
    upnpd.kill()
    with open(upnpd.config) as config:
        lines = config.read()
    with open(upnpd.config, "w") as config:
        config.write("deny 4000 2001:db8:77::/64 4000\n" + lines)
    upnpd.start()
    assert [p["id"] for p in pinholes(upnpd)] == [kept]
    assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)


def test_any_address_of_the_callers_host_will_do_and_none_of_another(lab, upnpd, game):
    igd = firewall_of(lab.pc1)
    temporary = LAN + "a1b2:c3d4:e5f6:789"
    lab.pc1.ip(f"addr add {temporary}/64 dev eth0 nodad\naddr add {ULA}10/64 dev eth0 nodad\n")
    lab.router.run("ip", "-6", "neigh", "flush", "dev", "lan")
    add(igd, temporary)
    assert udp6_passes(lab.inet1, game, temporary, 4000)
    add(igd, ULA + "10")
    lab.router.run("ping", "-6", "-c1", lab.pc2.address6)
    for another in (lab.pc2.address6, LAN + "1", ULA + "1", "2001:db8:f::1", lab.inet1.address6,
                    "fe80::1", "::1", "ff02::1", LAN + "dead"):
        assert error_of(add, igd, another) == 606, another
    assert len(pinholes(upnpd)) == 2


def test_another_hosts_pinhole_cannot_be_touched(lab, upnpd, game):
    unique_id = add(firewall_of(lab.pc1), lab.pc1.address6)
    other = firewall_of(lab.pc2)
    for action, more in (("UpdatePinhole", {"NewLeaseTime": 60}), ("DeletePinhole", {}),
                         ("GetPinholePackets", {}), ("CheckPinholeWorking", {})):
        assert error_of(call, other, action, UniqueID=unique_id, **more) == 606, action
    assert udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)


def test_who_has_anothers_address_next_has_not_its_pinhole(lab, upnpd):
    """Its pinhole cannot be touched, and asked for anew is another one."""
    address = LAN + "b0b"
    lab.pc1.ip(f"addr add {address}/64 dev eth0 nodad\n")
    formers = add(firewall_of(lab.pc1), address)
    lab.pc1.ip(f"addr del {address}/64 dev eth0\n")
    lab.pc2.ip(f"addr add {address}/64 dev eth0 nodad\n")
    lab.router.run("ip", "-6", "neigh", "flush", "dev", "lan")
    other = firewall_of(lab.pc2)
    assert error_of(call, other, "UpdatePinhole", UniqueID=formers, NewLeaseTime=60) == 606
    own = add(other, address)
    assert own != formers and [p["id"] for p in pinholes(upnpd)] == [own]
    call(other, "DeletePinhole", UniqueID=own)


def test_policy_quota_and_switch(lab, game):
    upnpd = Upnpd(lab, permissions=("deny 5000 2001:db8:77::10 5000", "allow 80 2001:db8:77::/64 80",
                                    "allow 1-65535 0.0.0.0/0 1-65535"), max_mappings_per_host=2).start()
    try:
        igd = firewall_of(lab.pc1)
        assert error_of(add, igd, lab.pc1.address6, 5000) == 606
        assert error_of(add, igd, lab.pc1.address6, 81) == 606
        assert "denied by" in upnpd.log()
        add(igd, lab.pc1.address6, 80, TCP)
        igd.add(8080, 80)
        assert error_of(add, igd, lab.pc1.address6, 4000) == 701
        assert upnpd.admin("delete", "pinhole", str(pinholes(upnpd)[0]["id"])).returncode == 0
        add(igd, lab.pc1.address6, 4000)
    finally:
        upnpd.discard()
    upnpd = Upnpd(lab, allow_pinholes="no").start()
    try:
        igd = firewall_of(lab.pc1)
        assert call(igd, "GetFirewallStatus")["InboundPinholeAllowed"] == "0"
        assert error_of(add, igd, lab.pc1.address6) == 703
        assert not udp6_passes(lab.inet1, game, lab.pc1.address6, 4000)
    finally:
        upnpd.discard()


def test_a_host_that_is_silent_is_looked_for(lab, upnpd, game):
    """The neighbour table knows nothing of the address: the router asks, the request waits."""
    igd = firewall_of(lab.pc1)
    quiet = LAN + "5111"
    lab.pc1.ip(f"addr add {quiet}/64 dev eth0 nodad\n")
    assert quiet not in lab.router.run("ip", "-6", "neigh", "show", "dev", "lan").stdout
    started = time.monotonic()
    add(igd, quiet)
    assert time.monotonic() - started < 1.5
    wait_until(lambda: udp6_passes(lab.inet1, game, quiet, 4000), 2, "the pinhole is open")


# From here on one upnpd serves all: no other may run beside it.

@pytest.fixture(scope="module")
def errors_upnpd(lab):
    upnpd = Upnpd(lab).start()
    yield upnpd
    upnpd.discard()


@pytest.mark.parametrize("code, named", [
    (402, {"lease": 0}), (402, {"lease": 86401}), (402, {"lease": "soon"}),
    (600, {"client": "pc1.lan"}), (600, {"client": "192.168.77.10"}), (600, {"remote_host": "nowhere"}),
    (606, {"port": 1023}), (705, {"protocol": 47}), (705, {"protocol": 0}), (706, {"port": 0}),
    (707, {"protocol": 65535}), (708, {"client": ""}), (708, {"client": "::"})])
def test_each_wrong_argument_has_its_error(errors_upnpd, lab, code, named):
    arguments = {"client": lab.pc1.address6, **named}
    assert error_of(add, firewall_of(lab.pc1), **arguments) == code
    assert pinholes(errors_upnpd) == []


def test_the_arguments_of_add_pinhole_can_come_in_any_order(errors_upnpd, lab):
    """As Syncthing sends them."""
    igd = firewall_of(lab.pc1)
    number = int(call(igd, "AddPinhole", Protocol=TCP, LeaseTime=600, InternalPort=4001, RemotePort=0,
                      InternalClient=lab.pc1.address6, RemoteHost="")["UniqueID"])
    assert [(p["protocol"], p["internal_port"]) for p in pinholes(errors_upnpd) if p["id"] == number] == [("TCP", 4001)]
    call(igd, "DeletePinhole", UniqueID=number)


def test_unknown_ids_are_704_and_the_status_is_told(errors_upnpd, lab):
    igd = firewall_of(lab.pc1)
    assert error_of(call, igd, "UpdatePinhole", UniqueID=9, NewLeaseTime=60) == 704
    assert error_of(call, igd, "DeletePinhole", UniqueID=0) == 704
    assert error_of(packets, igd, 65535) == 704
    assert error_of(call, igd, "CheckPinholeWorking", UniqueID=9) == 704
    assert call(igd, "GetFirewallStatus") == {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}
    timeout = call(igd, "GetOutboundPinholeTimeout", RemoteHost="", RemotePort=0, InternalClient="",
                   InternalPort=0, Protocol=TCP)["OutboundPinholeTimeout"]
    assert int(timeout) > 3600
    assert "IPv6" in errors_upnpd.admin("status").stdout


def test_its_first_event_carries_both_evented_variables(errors_upnpd, lab, closing):
    sequence, variables = closing(Subscriber(firewall_of(lab.pc1), FIREWALL)).next()
    assert sequence == 0 and variables == {"FirewallEnabled": "1", "InboundPinholeAllowed": "1"}


def test_the_service_is_in_igd_2_alone_and_found_by_its_type(errors_upnpd, lab):
    answer, = ssdp_answers(lab.pc1, FIREWALL, first_only=True)
    assert answer["LOCATION"].endswith("igd2.xml")
    with pytest.raises(AssertionError):
        find_igd(lab.pc1, IGD1).url(FIREWALL)
