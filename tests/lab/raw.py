"""Packets as an attacker makes them: any source address, any port, straight onto a wire."""

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


def udp(source, source_port, destination, port, payload):
    """An IPv4 packet with a datagram. Its UDP checksum is left out, as IPv4 allows."""
    segment = struct.pack("!HHHH", source_port, port, 8 + len(payload), 0) + payload
    return ipv4(source, destination, socket.IPPROTO_UDP, segment)


def tcp_syn(source, source_port, destination, port):
    head = struct.pack("!HHIIBBHHH", source_port, port, 1000, 0, 5 << 4, 2, 64240, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(head))
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    return ipv4(source, destination, socket.IPPROTO_TCP, head)


def mac_of(namespace, interface):
    return bytes.fromhex(namespace.run("cat", f"/sys/class/net/{interface}/address").stdout
                         .strip().replace(":", ""))


class Wire:
    """A host's network card, for frames of one's own making."""

    def __init__(self, host, interface="eth0"):
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self._socket.bind((interface, 0x0800))
        self._source = self._socket.getsockname()[4]

    def send(self, to_mac, packet):
        try:
            self._socket.send(to_mac + self._source + b"\x08\x00" + packet)
        except OSError:  # its queue is full: lost, as on any wire
            pass

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def multicast_mac(address):
    parts = socket.inet_aton(address)
    return bytes([1, 0, 0x5e, parts[1] & 0x7f, parts[2], parts[3]])
