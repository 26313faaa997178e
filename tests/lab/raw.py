"""Packets as an attacker makes them: any source address, any port, straight onto a wire. Whether they are IPv4's
or IPv6's, the addresses say."""

import socket
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, destination, protocol, payload, ttl=64):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source, destination, protocol, payload, hops=64):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops) + _bytes(source) + _bytes(destination) + payload


def is_ipv6(address):
    return ":" in address


def _bytes(address):
    return socket.inet_pton(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, address)


def _packet(source, destination, protocol, segment, checksum_at):
    """The segment with its checksum, which IPv6 wants of UDP too, in its packet."""
    pseudo = _bytes(source) + _bytes(destination) + struct.pack("!II", len(segment), protocol)
    proof = struct.pack("!H", checksum(pseudo + segment) or 0xffff)
    segment = segment[:checksum_at] + proof + segment[checksum_at + 2:]
    return (ipv6 if is_ipv6(source) else ipv4)(source, destination, protocol, segment)


def udp(source, source_port, destination, port, payload):
    """A packet with a datagram."""
    segment = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return _packet(source, destination, socket.IPPROTO_UDP, segment, 6)


def tcp_syn(source, source_port, destination, port):
    head = struct.pack("!HHIIBBHHH", source_port, port, 1000, 0, 5 << 4, 2, 64240, 0, 0)
    return _packet(source, destination, socket.IPPROTO_TCP, head, 16)


def neighbour_solicitation(source, target, source_mac):
    """A packet to `target` by who says that `source` is his."""
    message = struct.pack("!BBHI", 135, 0, 0, 0) + _bytes(target) + b"\x01\x01" + source_mac
    pseudo = _bytes(source) + _bytes(target) + struct.pack("!II", len(message), socket.IPPROTO_ICMPV6)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    return ipv6(source, target, socket.IPPROTO_ICMPV6, message, hops=255)


def arp_request(source, target, source_mac):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + source_mac + _bytes(source) + b"\0" * 6 + _bytes(target)


def mac_of(namespace, interface):
    return bytes.fromhex(namespace.run("cat", f"/sys/class/net/{interface}/address").stdout
                         .strip().replace(":", ""))


class Wire:
    """A host's network card, for frames of one's own making."""

    def __init__(self, host, interface="eth0"):
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW)  # hears nothing
        self._socket.bind((interface, 0))
        self._source = self._socket.getsockname()[4]

    def send(self, to_mac, packet):
        self._put(to_mac, b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00", packet)

    def say_address(self, source, target):
        """Asks who `target` is, in the name of `source`."""
        if is_ipv6(source):
            self.send(b"\xff" * 6, neighbour_solicitation(source, target, self._source))
        else:
            self._put(b"\xff" * 6, b"\x08\x06", arp_request(source, target, self._source))

    def _put(self, to_mac, type_of_payload, payload):
        try:
            self._socket.send(to_mac + self._source + type_of_payload + payload)
        except OSError:  # its queue is full: lost, as on any wire
            pass

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def multicast_mac(address):
    group = _bytes(address)
    return b"\x33\x33" + group[12:] if is_ipv6(address) else bytes([1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]])
