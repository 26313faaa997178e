"""Whether the build under test is a sanitizer's, which scripts/test says, and how much slower than usual all may be."""

import os

SANITIZED = bool(os.environ.get("UPNPD_SANITIZED"))
# What wait_until() waits for may take as many times longer, and so may what a test measures against a time.
# scripts/on-kernel says so of an emulated machine.
SLOWER = int(os.environ.get("UPNPD_SLOWER", 4 if SANITIZED else 1))
