"""Whether the build under test is a sanitizer's, which scripts/test says, and how much slower that one may be."""

import os

SANITIZED = bool(os.environ.get("UPNPD_SANITIZED"))
# What wait_until() waits for may take as many times longer, and so may what a test measures against a time.
SLOWER = 4 if SANITIZED else 1
