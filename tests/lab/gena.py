"""A subscriber to events (UDA 1.1 section 4): SUBSCRIBE, and a small server for the NOTIFYs."""

import http.server
import queue
import threading
import xml.etree.ElementTree as ElementTree

from sanitized import SLOWER

_EVENT = "{urn:schemas-upnp-org:event-1-0}"


class Subscriber:
    """Subscribes `igd.host` to `service` at once. `events` is filled with (SEQ, {variable: value}). The
    callback is at the host's IPv4 address, or at `address` with a `listener` there."""

    def __init__(self, igd, service, timeout="Second-1800", address=None, listener=None):
        self.events = queue.Queue()
        self._igd = igd
        self._url = igd.url(service, "eventSubURL")
        self._serve(listener or igd.host.listen(0))
        port = self._http.socket.getsockname()[1]
        status, headers, _ = igd.http("SUBSCRIBE", self._url, {
            "CALLBACK": f"<http://{address or igd.host.address}:{port}/events>", "NT": "upnp:event",
            "TIMEOUT": timeout})
        self.status = status
        self.sid = headers["SID"]
        self.granted = headers["TIMEOUT"]

    def _serve(self, listener):
        events = self.events

        class Notified(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_NOTIFY(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                changed = {variable.tag.rpartition("}")[2]: variable.text or ""
                           for item in ElementTree.fromstring(body).iter(_EVENT + "property")
                           for variable in item}
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                events.put((int(self.headers["SEQ"]), changed))

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("", 0), Notified, bind_and_activate=False)
        self._http.socket.close()
        self._http.socket = listener
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def next(self, seconds=5):
        """The next event, or a failure when none comes within `seconds`, or SLOWER times as many."""
        try:
            return self.events.get(timeout=seconds * SLOWER)
        except queue.Empty:
            raise AssertionError(f"no event within {seconds} s") from None

    def wait_for(self, variable, value, seconds=5):
        """Takes events until one says that `variable` is `value`."""
        while True:
            _, changed = self.next(seconds)
            if changed.get(variable) == value:
                return changed

    def renew(self):
        return self._igd.http("SUBSCRIBE", self._url, {"SID": self.sid, "TIMEOUT": "Second-1800"})[0]

    def unsubscribe(self):
        return self._igd.http("UNSUBSCRIBE", self._url, {"SID": self.sid})[0]

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
