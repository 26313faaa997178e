"""The scripts of the OpenWrt package are what busybox's shell can read, and shellcheck finds nothing in them."""

import shutil
import subprocess

import pytest

from router import PACKAGE

SCRIPTS = sorted(path for path in (PACKAGE / "files").iterdir() if path.suffix in (".sh", ".init", ".defaults"))


def check(*words):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout


def lint(script):
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    # 1091: what it sources is on the router; 2317: the callbacks of config_load.
    check("shellcheck", "-S", "style", "-e", "SC1091,SC2317", str(script))


def test_there_are_scripts():
    assert len(SCRIPTS) >= 7


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_busybox_can_read_it(script):
    if not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    check("busybox", "ash", "-n", str(script))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script):
    lint(script)


@pytest.mark.parametrize("name", ["postinst", "prerm"])
def test_shellcheck_finds_nothing_in_the_makefiles_scripts(router, name):
    script = router.root / name
    assert script.read_text().startswith("#!/bin/sh\n")
    lint(script)
