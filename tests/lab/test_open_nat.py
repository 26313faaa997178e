"""What a mapped socket sends leaves from the mapped port, to every host: an open NAT."""

import socket
import struct

import pytest

from igd_client import find_igd
from namespace import wait_until
from traffic import UdpEcho


@pytest.mark.parametrize("internal, external", [(3075, 3074), (3074, 3075), (9308, 9308)])
def test_two_internet_hosts_see_the_external_port(lab, upnpd, closing, internal, external):
    echoes = [closing(UdpEcho(host, 5000)) for host in (lab.inet1, lab.inet2)]
    igd = find_igd(lab.pc1)
    igd.add(external, internal, protocol="UDP")
    with lab.pc1.udp(internal) as game:
        for host, echo in zip((lab.inet1, lab.inet2), echoes):
            game.sendto(b"hello", (host.address, 5000))
            assert game.recvfrom(16) == (b"hello", (host.address, 5000))
            assert echo.senders == [(lab.wan_address, external)]
    igd.delete(external, protocol="UDP")


def test_a_host_that_was_never_talked_to_reaches_the_socket_there(lab, upnpd):
    igd = find_igd(lab.pc1)
    igd.add(3074, 3075, protocol="UDP")
    with lab.pc1.udp(3075) as game, lab.inet1.udp() as known, lab.inet2.udp() as stranger:
        game.sendto(b"hello", (lab.inet1.address, known.getsockname()[1]))
        seen_at = known.recvfrom(16)[1]
        stranger.sendto(b"join", seen_at)
        data, sender = game.recvfrom(16)
        assert (data, sender[0]) == (b"join", lab.inet2.address)
        game.sendto(b"welcome", sender)
        assert stranger.recvfrom(16) == (b"welcome", seen_at)
    igd.delete(3074, protocol="UDP")


def test_two_consoles_that_ask_for_one_port_each_send_from_their_own(lab, upnpd, closing):
    """AddAnyPortMapping for 3074 by both: what each sends leaves as the port it was given."""
    echoes = [closing(UdpEcho(host, 5002)) for host in (lab.inet1, lab.inet2)]
    given = [(host, find_igd(host).add_any(3074, 3074, "UDP")) for host in (lab.pc1, lab.pc2)]
    assert given[0][1] == 3074 and given[1][1] != 3074
    for host, external in given:
        with host.udp(3074) as game:
            for internet, echo in zip((lab.inet1, lab.inet2), echoes):
                game.sendto(b"hello", (internet.address, 5002))
                assert game.recvfrom(16)[0] == b"hello"
                assert echo.senders[-1] == (lab.wan_address, external)
            with lab.inet2.udp() as stranger:
                stranger.sendto(b"join", (lab.wan_address, external))
                assert game.recvfrom(16)[0] == b"join"
    for host, external in given:
        find_igd(host).delete(external, protocol="UDP")


def test_two_consoles_with_one_game_each_keep_their_port(lab, upnpd, closing):
    echo = closing(UdpEcho(lab.inet1, 5001))  # no flow to it yet
    consoles = [(lab.pc1, 3074), (lab.pc2, 3174)]
    for host, external in consoles:
        find_igd(host).add(external, 3074, protocol="UDP")
    for host, external in consoles:
        with host.udp(3074) as game:
            game.sendto(b"hello", (lab.inet1.address, 5001))
            game.recvfrom(16)
        assert echo.senders[-1] == (lab.wan_address, external)
    for host, external in consoles:
        find_igd(host).delete(external, protocol="UDP")


def test_a_port_that_changes_hands_serves_its_new_owner_at_once(lab, upnpd, closing):
    echo = closing(UdpEcho(lab.inet1, 5003))

    def seen_of(host):
        """The address and port that the echo sees the host's game by; None when its answer does not come."""
        with host.udp(3080, timeout=1) as game:
            game.sendto(b"hello", (lab.inet1.address, 5003))
            try:
                game.recvfrom(16)
            except TimeoutError:
                return None
        return echo.senders[-1]
    find_igd(lab.pc2).add(3080, 3080, protocol="UDP")
    assert seen_of(lab.pc2) == (lab.wan_address, 3080)
    find_igd(lab.pc2).delete(3080, protocol="UDP")
    find_igd(lab.pc1).add(3080, 3080, protocol="UDP")
    # The flows of the former mapping end a moment after it.
    assert wait_until(lambda: seen_of(lab.pc1), 3, "an answer") == (lab.wan_address, 3080)
    find_igd(lab.pc1).delete(3080, protocol="UDP")


@pytest.mark.parametrize("internal, external", [(3081, 3081), (3085, 3082)])
def test_a_flow_of_another_host_by_that_port_costs_one_packet(lab, upnpd, closing, internal, external):
    """pc2 has no mapping, and sends from the external port to inet1 before pc1 does."""
    echo, elsewhere = [closing(UdpEcho(host, 5004)) for host in (lab.inet1, lab.inet2)]
    find_igd(lab.pc1).add(external, internal, protocol="UDP")
    with lab.pc2.udp(external) as other, lab.pc1.udp(internal, timeout=0.5) as game:
        other.sendto(b"first", (lab.inet1.address, 5004))
        assert other.recvfrom(16)[0] == b"first" and echo.senders == [(lab.wan_address, external)]
        game.sendto(b"lost", (lab.inet1.address, 5004))
        with pytest.raises(TimeoutError):
            game.recvfrom(16)
        for _ in range(2):
            game.sendto(b"again", (lab.inet1.address, 5004))
            assert game.recvfrom(16)[0] == b"again"
        assert echo.senders[-1] == echo.senders[-2] and echo.senders[-1][1] != external
        other.sendto(b"still", (lab.inet1.address, 5004))
        assert other.recvfrom(16)[0] == b"still"
        game.sendto(b"hello", (lab.inet2.address, 5004))
        assert game.recvfrom(16)[0] == b"hello" and elsewhere.senders == [(lab.wan_address, external)]
    find_igd(lab.pc1).delete(external, protocol="UDP")


def test_a_connection_that_is_made_again_leaves_by_the_external_port(lab, upnpd):
    """Refused, and tried again at once, as those do that meet through two routers."""
    find_igd(lab.pc1).add(5001, 5000)
    with lab.inet1.listen(5005) as server:
        for _ in range(3):
            with lab.pc1.socket() as ours:
                ours.settimeout(2)
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                ours.bind(("0.0.0.0", 5000))
                ours.connect((lab.inet1.address, 5005))
                connection, seen = server.accept()
                connection.close()
                assert seen == (lab.wan_address, 5001)
    find_igd(lab.pc1).delete(5001)
