import pathlib

import pytest

import daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def build():
    """The build directory that the binaries under test are in."""
    return pathlib.Path(daemon.UPNPD).resolve().parents[2]
