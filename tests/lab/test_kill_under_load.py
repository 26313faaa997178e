"""A few rounds of tests/soak/kill_under_load.py."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))

from kill_under_load import run  # noqa: E402


def test_what_was_acknowledged_outlives_kill_9_under_load(lab):
    seen = run(lab, rounds=8, seed=20260101)
    assert seen["acknowledged"] > 100, seen
