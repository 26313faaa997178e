import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from router import HOME, Router  # noqa: E402


@pytest.fixture(scope="session")
def built_router(tmp_path_factory):
    if not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    return Router(tmp_path_factory.mktemp("openwrt"))


@pytest.fixture
def router(built_router):
    """An OpenWrt router after a boot, with the shipped configuration; its service is not started."""
    return built_router.reset(networks=HOME)
