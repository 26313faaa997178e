"""What travels through mappings: a web page, UDP echoes, and the eyes to see what is on a wire."""

import contextlib
import http.server
import select
import socket
import struct
import threading
import time

ETH_P_ALL = 3
# A Stream's datagram that has not come back by then is lost. What is dropped never comes; what a busy machine
# holds up does.
_PATIENCE = 2.0


class WebServer:
    """Serves one page, its text, at every path, on a host's port."""

    def __init__(self, host, port, page):
        body = page.encode()
        self.clients = []
        server = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.clients.append(self.client_address)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer((host.address, port), Page,
                                                     bind_and_activate=False)
        self._http.socket.close()
        self._http.socket = host.listen(port)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class UdpEcho:
    """Sends every datagram back to where it came from, and remembers from where."""

    def __init__(self, host, port):
        self.senders = []
        self._socket = host.udp(port, timeout=0.05)
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._closing:
            with contextlib.suppress(TimeoutError, ConnectionError):
                data, sender = self._socket.recvfrom(2048)
                self.senders.append(sender)
                self._socket.sendto(data, sender)

    def close(self):
        self._closing = True
        self._thread.join()
        self._socket.close()


class Stream:
    """One UDP flow and a new flow for each probe, sent without a pause to an echo, losses counted."""

    def __init__(self, host, address, port):
        self.sent = 0
        self.lost = []
        self._host = host
        self._to = (address, port)
        self._flow = host.udp()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        start = time.monotonic()
        while not self._closing:
            self.sent += 1
            if not _echoed(self._flow, self._to):
                self.lost.append(f"old flow at {time.monotonic() - start:.2f} s")
            if not udp_passes(self._host, *self._to, timeout=_PATIENCE):
                self.lost.append(f"new flow at {time.monotonic() - start:.2f} s")
            time.sleep(0.01)

    def close(self):
        self._closing = True
        self._thread.join()
        self._flow.close()


def _echoed(endpoint, to):
    """Answers to earlier questions may come late: they are passed over, else every later one would seem lost."""
    question = struct.pack("!d", time.monotonic())
    deadline = time.monotonic() + _PATIENCE
    try:
        endpoint.sendto(question, to)
        while (left := deadline - time.monotonic()) > 0:
            endpoint.settimeout(left)
            if endpoint.recvfrom(2048)[0] == question:
                return True
    except OSError:
        pass
    return False


def udp_passes(host, address, port, timeout=0.3):
    """Whether a datagram of a new flow from `host` is echoed by `address:port`."""
    with host.udp(timeout=timeout) as endpoint:
        endpoint.connect((address, port))
        try:
            endpoint.send(b"are you there?")
            return endpoint.recv(2048) == b"are you there?"
        except OSError:
            return False


def is_echoed(endpoint, to):
    """Whether a datagram comes back, of a flow that may be there already."""
    try:
        endpoint.sendto(b"1", to)
        return endpoint.recv(16) == b"1"
    except OSError:
        return False


def fetch(host, address, port, timeout=2.0):
    """The web page at `address:port` as `host` sees it; None when the port is closed."""
    try:
        with host.connect(address, port, timeout) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while data := connection.recv(4096):
                answer += data
    except OSError:
        return None
    return answer.partition(b"\r\n\r\n")[2].decode()


def is_closed(host, address, port):
    """Whether a new TCP connection is refused or swallowed."""
    return fetch(host, address, port, timeout=0.4) is None


class Capture:
    """Every frame that passes a host's interface between __init__ and close()."""

    def __init__(self, host, interface="eth0"):
        self.frames = []
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind((interface, ETH_P_ALL))
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._closing:
            if select.select([self._socket], [], [], 0.05)[0]:
                self.frames.append(self._socket.recv(65535))

    def ipv4_packets(self):
        """(source, destination, protocol, source port, destination port, payload) of each; the ports
        are None where there are none."""
        return [packet for packet in map(_ipv4, self.frames) if packet]

    def ipv6_packets(self):
        """The same of TCP and UDP over IPv6; not ICMPv6, which every host sends by itself."""
        return [packet for packet in map(_ipv6, self.frames) if packet]

    def packets(self):
        """Those of both."""
        return self.ipv4_packets() + self.ipv6_packets()

    def close(self):
        self._closing = True
        self._thread.join()
        self._socket.close()


def _ipv4(frame):
    if frame[12:14] != b"\x08\x00" or len(frame) < 34:
        return None
    header = (frame[14] & 15) * 4
    protocol, payload = frame[23], frame[14 + header:]
    ports = (None, None)
    if protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) and len(payload) >= 4:
        ports = struct.unpack("!HH", payload[:4])
    return (socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34]), protocol, *ports, payload)


def _ipv6(frame):
    if frame[12:14] != b"\x86\xdd" or len(frame) < 58 or frame[20] not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return None
    source, destination = (socket.inet_ntop(socket.AF_INET6, frame[at:at + 16]) for at in (22, 38))
    return (source, destination, frame[20], *struct.unpack("!HH", frame[54:58]), frame[54:])
