"""Somebody at the screen who maps a port with gupnp-universal-cp: ADDRESS EXTERNAL_PORT INTERNAL_PORT.

Looks at its windows and fills them in through the accessibility bus, as a screen reader would, and works the
mouse. Prints "invoked AddPortMapping" and, after a line on standard input, "invoked DeletePortMapping"; after
another it goes.
"""

import signal
import subprocess
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

TIMEOUT_SECONDS = 60
SCREEN = Atspi.CoordType.SCREEN


def wait_for(look, seconds=15):
    """What `look` returns once that is something. Windows come and go under its eyes: that is no error."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if seen := look():
                return seen
        except GLib.Error:
            pass
        time.sleep(0.1)
    raise TimeoutError(look.__qualname__)


def inside(widget):
    """The widget and all within it."""
    yield widget
    for child in filter(None, map(widget.get_child_at_index, range(widget.get_child_count()))):
        yield from inside(child)


def find(where, role, name=""):
    """The first one that is shown, or is an entry of a menu."""
    return next((widget for widget in inside(where) if widget.get_role_name() == role and widget.get_name() == name
                 and (role == "menu item" or widget.get_state_set().contains(Atspi.StateType.SHOWING))), None)


def press(where, role, name):
    wait_for(lambda: find(where, role, name)).do_action(0)


def expanded(application, row):
    """The row of the device tree. Each device that is found comes folded, so they are unfolded again and again."""
    press(application, "menu item", "Expand all devices")
    return next((widget for widget in inside(application)
                 if widget.get_role_name() == "table cell" and widget.get_name() == row), None)


def settled(cell):
    """Where the cell is, scrolled to and at rest."""
    cell.grab_focus()
    before = cell.get_extents(SCREEN)
    time.sleep(0.2)
    after = cell.get_extents(SCREEN)
    return after if (before.x, before.y) == (after.x, after.y) else None


def open_dialog(application, action):
    """Double-clicks the action. The dialog runs inside that click; were it the accessibility bus that asked for it,
    the program would answer the bus no more."""
    cell = wait_for(lambda: expanded(application, action))
    place = wait_for(lambda: settled(cell))
    Atspi.generate_mouse_event(place.x + 10, place.y + place.height // 2, "b1d")
    dialog = wait_for(lambda: find(application, "dialog", "Action Invocation"))
    wait_for(lambda: find(dialog, "label", action))
    return dialog


def fields(dialog):
    """The widgets of the arguments by name: in their panel each comes before its label."""
    panel = next(widget for widget in inside(dialog) if widget.get_name() == "'in' arguments").get_child_at_index(0)
    children = [panel.get_child_at_index(i) for i in range(panel.get_child_count())]
    return {label.get_child_at_index(0).get_name(): field for field, label in zip(children[::2], children[1::2])}


def fill_in(field, value):
    role = field.get_role_name()
    if role == "spin button":
        Atspi.Value.set_current_value(field, value)
    elif role == "check box":
        field.do_action(0)
    elif role == "combo box":
        Atspi.Selection.select_child(field, ["TCP", "UDP"].index(value))
    else:
        Atspi.EditableText.set_text_contents(field.get_child_at_index(0), value)


def invoke(application, action, arguments):
    dialog = open_dialog(application, action)
    for name, field in fields(dialog).items():
        fill_in(field, arguments[name])
    press(dialog, "push button", "Invoke")
    print("invoked", action, flush=True)
    sys.stdin.readline()
    press(dialog, "push button", "Close")
    wait_for(lambda: not find(application, "dialog", "Action Invocation"))


def main(address, external_port, internal_port):
    signal.alarm(TIMEOUT_SECONDS)
    program = subprocess.Popen(["gupnp-universal-cp"], stdin=subprocess.DEVNULL)
    try:
        desktop = Atspi.get_desktop(0)
        application = wait_for(lambda: desktop.get_child_count() and desktop.get_child_at_index(0))
        key = {"NewRemoteHost": "", "NewExternalPort": int(external_port), "NewProtocol": "TCP"}
        invoke(application, "AddPortMapping", {
            **key, "NewInternalPort": int(internal_port), "NewInternalClient": address, "NewEnabled": True,
            "NewPortMappingDescription": "typed by hand", "NewLeaseDuration": 600})
        invoke(application, "DeletePortMapping", key)
    finally:
        program.kill()
        program.wait()


main(*sys.argv[1:])
