"""The short form of tests/soak/soak.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))

from soak import run  # noqa: E402


def test_hosts_of_two_lans_find_what_they_asked_for_whatever_befalls_the_router(lab):
    seen = run(lab, seconds=25, seed=20260102)
    assert seen["steps"] > 10 and seen["asked"] > 200 and len(seen["faults"]) > 6, seen
    assert {"gateway", "igd"} <= seen["lives"].keys(), seen
