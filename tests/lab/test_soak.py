"""The short form of tests/soak/soak.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))

from sanitized import SLOWER  # noqa: E402
from soak import run  # noqa: E402


def test_hosts_of_two_lans_find_what_they_asked_for_whatever_befalls_the_router(lab):
    seen = run(lab, seconds=25, seed=20260102)
    # A run is so long, not so much: on a busy machine it comes to less.
    assert seen["steps"] > 5 / SLOWER and seen["asked"] > 50 / SLOWER and len(seen["faults"]) > 3 / SLOWER, seen
