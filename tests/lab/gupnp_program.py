"""A control point on the LAN, made with GUPnP: ADDRESS EXTERNAL_PORT INTERNAL_PORT.

It finds WANIPConnection:1, reads the service's description, subscribes, maps the port and, at a line on
standard input, unmaps it. Prints a line for each: "described ACTIONS VARIABLES", "mapped EXTERNAL_ADDRESS",
"event VARIABLE VALUE", "unmapped"; or "failed MESSAGE", and goes.
"""

import sys

import gi

gi.require_version("GSSDP", "1.6")
gi.require_version("GUPnP", "1.6")
from gi.repository import Gio, GLib, GObject, GSSDP, GUPnP  # noqa: E402

TIMEOUT_SECONDS = 15
SERVICE = "urn:schemas-upnp-org:service:WANIPConnection:1"
EVENTED = {"PortMappingNumberOfEntries": GObject.TYPE_UINT, "ExternalIPAddress": GObject.TYPE_STRING}


def say(*words):
    print(*words, flush=True)


class Program:
    def __init__(self, address, external_port, internal_port):
        self._key = {"NewRemoteHost": "", "NewExternalPort": external_port, "NewProtocol": "TCP"}
        self._target = {"NewInternalPort": internal_port, "NewInternalClient": address, "NewEnabled": True,
                        "NewPortMappingDescription": "GUPnP", "NewLeaseDuration": 600}
        self._address = Gio.InetAddress.new_from_string(address)
        self._loop = GLib.MainLoop()
        self._service = None
        self._is_mapping = False

    def run(self):
        context = GUPnP.Context.new_for_address(self._address, 0, GSSDP.UDAVersion.VERSION_1_0)
        point = GUPnP.ControlPoint.new(context, SERVICE)
        point.connect("service-proxy-available", self._found)
        point.set_active(True)
        GLib.timeout_add_seconds(TIMEOUT_SECONDS, self._fail, "out of time")
        GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, self._asked_to_unmap)
        self._loop.run()

    def _fail(self, message):
        say("failed", message)
        self._loop.quit()

    def _found(self, _, service):
        if self._service is None:
            self._service = service
            service.introspect_async(None, self._described)

    def _described(self, service, result):
        try:
            described = service.introspect_finish(result)
        except GLib.Error as error:
            return self._fail(error.message)
        say("described", len(described.list_action_names()), len(described.list_state_variable_names()))
        for variable, kind in EVENTED.items():
            service.add_notify(variable, kind, self._notified)
        service.connect("subscription-lost", lambda _, reason: self._fail(f"subscription: {reason.message}"))
        service.set_subscribed(True)

    def _notified(self, _, variable, value):
        say("event", variable, value)
        if variable == "ExternalIPAddress" and not self._is_mapping:
            self._is_mapping = True
            GLib.idle_add(self._map)

    def _map(self):
        self._call("AddPortMapping", {**self._key, **self._target})
        say("mapped", self._call("GetExternalIPAddress", {}, "NewExternalIPAddress"))

    def _asked_to_unmap(self, *_):
        sys.stdin.readline()
        self._call("DeletePortMapping", self._key)
        say("unmapped")
        self._service.set_subscribed(False)
        self._loop.quit()

    def _call(self, name, arguments, out=None):
        """Calls an action; returns its out-argument of that name."""
        try:
            action = GUPnP.ServiceProxyAction.new_from_list(name, list(arguments), list(arguments.values()))
            self._service.call_action(action, None)
            if out is None:
                action.get_result_list([], [])
                return None
            return action.get_result_list([out], [GObject.TYPE_STRING])[1][0]
        except GLib.Error as error:
            self._fail(f"{name}: {error.message}")


address, external_port, internal_port = sys.argv[1:]
Program(address, int(external_port), int(internal_port)).run()
