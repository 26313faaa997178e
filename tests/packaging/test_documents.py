"""What is said of upnpd's keys, options and commands, against what it has."""

import pathlib
import re
import shutil
import subprocess

import pytest

import daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
KEYS = sorted(set(re.findall(r'^    \{"(\w+)", ', (ROOT / "src/gateway/config_keys.cpp").read_text(), re.MULTILINE)))
WITHOUT_EFFECT = sorted(set(re.findall(r'^    \{"(\w+)", no_effect\}', (ROOT / "src/gateway/config_keys.cpp").read_text(),
                                       re.MULTILINE)))
MANUALS = ("upnpd.8", "upnpd.conf.5", "upnpd-admin.8")


def manual(name):
    return (PACKAGING / "man" / name).read_text()


def help_of(binary):
    return subprocess.run([binary, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


def options_of(binary):
    return set(re.findall(r"(?<![\w-])--[a-z]+", help_of(binary)))


def commands_of_admin():
    """The first words of its commands."""
    commands = help_of(daemon.UPNPD_ADMIN).split("\n\n")[1]
    return {line.split()[0] for line in commands.splitlines()}


def named_in_the_table():
    """(file, test or "") of each test that the table of docs/security.md names."""
    page = (ROOT / "docs/security.md").read_text()
    rows = [line for line in page[page.index("| attack |"):page.index("## Fuzzing")].splitlines()[2:] if line.startswith("|")]
    for row in rows:
        column = row.rstrip("|").rpartition("|")[2]
        for part in re.sub(r"\([^)]*\)|`[^`]*`", "", column).split(";"):
            place, _, names = part.strip().partition(":")
            if place.startswith("fuzz "):
                yield from ((f"tests/fuzz/{name.strip()}_fuzz.cpp", "") for name in place[5:].split(","))
            elif names:
                file = f"tests/{place}.py" if "/" in place else f"tests/lab/{place}.py"
                yield from ((file, name.strip()) for name in names.split(","))
            else:
                for name in place.split(","):
                    name = name.strip()
                    yield (f"tests/{name}.cpp" if name.startswith("unit/") else f"tests/lab/{name}.py"), ""


def check(file, *arguments):
    return subprocess.run([daemon.UPNPD, "--check", "--config", str(file), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("file, test", sorted(set(named_in_the_table())), ids=lambda value: value.split("/")[-1])
def test_a_test_that_the_table_of_attacks_names_exists(file, test):
    text = (ROOT / file).read_text()
    name, _, parameter = test.partition("[")
    assert not name or re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file} has no {name}"
    assert parameter.rstrip("]") in text


def test_every_test_of_an_attack_is_in_the_table():
    named = {test.partition("[")[0] for _, test in named_in_the_table()}
    for file in sorted((ROOT / "tests/lab").glob("test_attack_*.py")):
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE):
            assert name in named, f"{file.name}: {name}"


def test_the_keys_were_found():
    assert len(KEYS) >= 50 and "listening_ip" in KEYS and "upnp_table_name" in WITHOUT_EFFECT


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_in_the_manual_and_in_the_default_file(key):
    page = manual("upnpd.conf.5")
    if key in WITHOUT_EFFECT:
        assert re.search(rf"^\.Ic {key}( |$)", page, re.MULTILINE), "among those without effect"
    else:
        assert f".It Ic {key} " in page
    assert re.search(rf"^#?{key}=", (PACKAGING / "upnpd.conf").read_text(), re.MULTILINE)


def test_the_manual_and_the_default_file_have_no_other_key():
    page = set(re.findall(r"^\.It Ic (\w+) Ns =", manual("upnpd.conf.5"), re.MULTILINE))
    file = set(re.findall(r"^#?(\w+)=", (PACKAGING / "upnpd.conf").read_text(), re.MULTILINE))
    assert page <= set(KEYS) and file <= set(KEYS)


def test_the_default_file_is_good():
    result = check(PACKAGING / "upnpd.conf", "--lan", "lo")
    assert result.returncode == 0 and "warning" not in result.stdout, result.stdout


def test_every_line_of_the_default_file_is_good_without_its_mark(tmp_path):
    lines = [line.removeprefix("#") if re.match(r"#\w+=", line) else line
             for line in (PACKAGING / "upnpd.conf").read_text().splitlines()]
    whole = tmp_path / "upnpd.conf"
    whole.write_text("\n".join(lines).replace("run_as=upnpd", "run_as=nobody") + "\n")
    result = check(whole)
    assert result.returncode == 0, result.stdout
    assert len(re.findall("has no effect", result.stdout)) == len(WITHOUT_EFFECT)


def test_the_default_files_rules_are_the_usual_ones():
    rules = [line for line in (PACKAGING / "upnpd.conf").read_text().splitlines() if line.startswith(("allow", "deny"))]
    assert rules == ["allow 1024-65535 0.0.0.0/0 1024-65535", "deny 0-65535 0.0.0.0/0 0-65535"]


@pytest.mark.parametrize("name", MANUALS)
def test_a_manual_is_as_mandoc_wants_it(name):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    result = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(PACKAGING / "man" / name)],
                            stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("name", ["upnpd", "upnpd-admin"])
def test_every_option_is_in_the_manual_and_in_the_completions(name):
    options = options_of(daemon.UPNPD if name == "upnpd" else daemon.UPNPD_ADMIN)
    assert {"--version", "--help"} <= options
    bash, zsh = ((PACKAGING / "completion" / file).read_text() for file in (name, "_" + name))
    for option in options:
        assert f"Fl -{option[2:]}" in manual(f"{name}.8"), option
        assert option in bash and option in zsh, option


def test_every_command_is_in_the_manual_and_in_the_completions():
    commands = commands_of_admin()
    assert {"list", "status", "delete"} <= commands
    bash, zsh = ((PACKAGING / "completion" / file).read_text() for file in ("upnpd-admin", "_upnpd-admin"))
    for command in commands:
        assert f".It Ic {command}" in manual("upnpd-admin.8"), command
        assert command in re.search(r'\*\) candidates="(.*)"', bash).group(1).split(), command
        assert re.search(rf"[( ]{command}\\:", zsh), command


@pytest.mark.parametrize("words, wanted", [
    (["upnpd-admin", ""], {"list", "status", "delete"}), (["upnpd-admin", "list", "p"], {"pinholes"}),
    (["upnpd-admin", "--js"], {"--json"}), (["upnpd-admin", "delete", ""], {"pinhole", "7", "12"}),
    (["upnpd-admin", "delete", "pinhole", ""], {"3"}), (["upnpd", "--for"], {"--foreground"}),
    (["upnpd", "--wan", "l"], {"lo"})], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bash_completes(words, wanted):
    # The daemon's answer, without a daemon.
    script = """
      upnpd-admin() {
        echo 'ID  PROTO'
        case $2 in mappings) echo '7   TCP  8080'; echo '12  UDP  53';; pinholes) echo '3   UDP  any';; esac
      }
      . "$1/packaging/completion/$2"; shift
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      "_${1//-/_}"
      printf '%s\\n' "${COMPREPLY[@]}"
    """
    result = subprocess.run(["bash", "-c", script, "bash", str(ROOT), *words], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert wanted <= set(result.stdout.split()), result.stdout


@pytest.mark.parametrize("name", ["_upnpd", "_upnpd-admin"])
def test_zsh_can_read_its_completion(name):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    result = subprocess.run(["zsh", "-n", str(PACKAGING / "completion" / name)], stderr=subprocess.PIPE, text=True)
    assert result.returncode == 0, result.stderr
