"""A program on the LAN that maps a port with gupnp-igd: ADDRESS EXTERNAL_PORT INTERNAL_PORT.

Prints "mapped EXTERNAL_ADDRESS PORT" when the gateway has granted it, or "refused MESSAGE", and goes.
"""

import sys

import gi

gi.require_version("GUPnPIgd", "1.0")
from gi.repository import GLib, GUPnPIgd  # noqa: E402

TIMEOUT_SECONDS = 18


def main(address, external_port, internal_port):
    loop = GLib.MainLoop()
    igd = GUPnPIgd.SimpleIgd()

    def say(*words):
        print(*words, flush=True)
        loop.quit()

    igd.connect("mapped-external-port",
                lambda _, proto, external, replaces, port, *rest: say("mapped", external, port))
    igd.connect("error-mapping-port", lambda _, error, *rest: say("refused", error.message))
    igd.add_port("TCP", int(external_port), address, int(internal_port), 600, "gupnp-igd")
    GLib.timeout_add_seconds(TIMEOUT_SECONDS, lambda: say("refused", "nothing heard of the gateway"))
    loop.run()


main(*sys.argv[1:])
