"""What upnpd's processes hold, over their lives: private memory and descriptors must not grow."""

import collections
import os
import re
import statistics
import time

# A life that was looked at less often says nothing.
LOOKS = 12
# The allocator's own ups and downs, and what the lists of the checks leave behind.
MEMORY_SHARE, MEMORY_KILOBYTES = 0.08, 512
FILES = 1


class Footprint:
    def __init__(self):
        self._lives = collections.defaultdict(list)  # (time, kilobytes, descriptors) by (role, pid)

    def look(self, processes):
        for process in processes:
            if process["pid"] > 0:
                try:
                    seen = time.monotonic(), _private_kilobytes(process["pid"]), _open_files(process["pid"])
                except (FileNotFoundError, ProcessLookupError):
                    continue
                self._lives[process["role"], process["pid"]].append(seen)

    def lives(self):
        """The longest life of each role, first and last third against each other."""
        longest = {}
        for (role, _), looks in self._lives.items():
            if len(looks) >= LOOKS and len(looks) > longest.get(role, {"looks": 0})["looks"]:
                third = len(looks) // 3
                first, last = looks[:third], looks[-third:]
                longest[role] = {
                    "looks": len(looks), "seconds": looks[-1][0] - looks[0][0],
                    "kilobytes": tuple(statistics.median(look[1] for look in part) for part in (first, last)),
                    "files": tuple(statistics.median(look[2] for look in part) for part in (first, last))}
        return longest

    def growth(self):
        """A line for each that grew."""
        lines = []
        for role, life in self.lives().items():
            (first, last), (files, more_files) = life["kilobytes"], life["files"]
            if last > first * (1 + MEMORY_SHARE) + MEMORY_KILOBYTES:
                lines.append(f"{role}: {first} kB of private memory in the first third, {last} in the last")
            if more_files > files + FILES:
                lines.append(f"{role}: {files} descriptors in the first third, {more_files} in the last")
        return lines


def _private_kilobytes(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return int(re.search(r"Private_Dirty:\s+(\d+)", rollup.read())[1])


def _open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
