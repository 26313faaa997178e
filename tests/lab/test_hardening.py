"""What is built is built so that a fault is hard to use."""

import pathlib
import subprocess

import pytest

import daemon
from sanitized import SANITIZED

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts/hardening-check"


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's build is another one")
@pytest.mark.parametrize("binary", ["UPNPD", "UPNPD_ADMIN"])
def test_a_binary_has_every_hardening_there_is(binary):
    checked = subprocess.run([CHECK, getattr(daemon, binary)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_check_finds_what_is_missing(tmp_path):
    source = tmp_path / "weak.c"
    source.write_text("int main(void) { return 0; }\n")
    weak = tmp_path / "weak"
    subprocess.run(["cc", "-no-pie", "-Wl,-z,norelro,-z,lazy", "-o", weak, source], check=True)
    checked = subprocess.run([CHECK, weak], capture_output=True, text=True)
    assert checked.returncode == 1
    for name in ("PIE", "RELRO", "BIND_NOW"):
        assert f"NO   {name}" in checked.stdout
