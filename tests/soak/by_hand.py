"""A soak that is started by hand: its command line, and its lab."""

import argparse
import pathlib
import random

import daemon
from lab import Lab

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_by_hand(about, run, length, default):
    """What run(lab, LENGTH, seed) returns, where --LENGTH is a number of the kind `default` is of."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{length}", dest="length", type=type(default), default=default)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--upnpd", default=str(_ROOT / "build/src/gateway/upnpd"))
    parser.add_argument("--upnpd-admin", default=str(_ROOT / "build/src/admin/upnpd-admin"))
    options = parser.parse_args()
    daemon.UPNPD, daemon.UPNPD_ADMIN = options.upnpd, options.upnpd_admin
    print(f"seed {options.seed}")
    lab = Lab()
    try:
        return run(lab, options.length, options.seed)
    finally:
        lab.remove()
