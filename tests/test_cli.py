"""The command line as users meet it: a process, its output, its exit code."""

import json
import os
import subprocess
import sys

import pytest

from respnet import cli, machine

COMMANDS = sorted(cli.COMMANDS)


def respnet(*words, **environment):
    """Run ``respnet WORDS``; a variable given as None is unset."""
    kept = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "respnet.cli", *words],
        capture_output=True, text=True, timeout=120,
        env={k: v for k, v in kept.items() if v is not None},
    )


def test_without_a_command_the_usage_is_shown_and_the_code_is_2():
    done = respnet()
    assert done.returncode == 2
    assert "usage: respnet" in done.stderr


@pytest.mark.parametrize("words", [["no-such"], ["doctor", "--no-such"]])
def test_wrong_usage_is_code_2(words):
    assert respnet(*words).returncode == 2


def test_version():
    import respnet as package

    assert respnet("--version").stdout.strip() == f"respnet {package.__version__}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    done = respnet(command, "--help")
    assert done.returncode == 0
    assert f"example: respnet {command}" in done.stdout


def test_the_help_names_every_command():
    text = respnet("--help").stdout
    assert [c for c in COMMANDS if f"\n    {c} " not in text] == []


def test_doctor_in_json_names_what_it_found_and_gives_advice():
    done = respnet("doctor", "--json", RESPNET_LEVEL=None)
    found = {f["name"]: f for f in json.loads(done.stdout)}
    assert done.returncode == 0
    wanted = {"version", "processor", "kernels", "blas", "threads", "memory", "gpu", "store"}
    assert wanted <= set(found)
    assert all(f["value"] and f["advice"] and f["ok"] for f in found.values())
    assert "SQLite" in found["store"]["value"]


def test_doctor_says_when_a_slower_level_is_forced():
    found = json.loads(respnet("doctor", "--json", RESPNET_LEVEL="portable").stdout)
    kernels = next(f for f in found if f["name"] == "kernels")
    assert kernels["value"] == "portable in use"
    assert "RESPNET_LEVEL" in kernels["advice"]


def test_doctor_fails_when_the_kernels_cannot_run():
    done = respnet("doctor", "--json", RESPNET_LEVEL="no-such")
    kernels = next(f for f in json.loads(done.stdout) if f["name"] == "kernels")
    assert done.returncode == 1
    assert not kernels["ok"] and "no-such" in kernels["advice"]


def test_doctor_as_a_table_has_the_same_lines_and_no_colour_off_a_terminal():
    done = respnet("doctor", FORCE_COLOR=None)
    assert "SQLite" in done.stdout and "kernels" in done.stdout and "respnet[gpu]" in done.stdout
    assert "\x1b[" not in done.stdout


def test_limits_of_the_cgroup_are_read(monkeypatch):
    monkeypatch.setattr(
        machine, "read_cgroup", {"cpu.max": "150000 100000", "memory.max": str(2**30)}.get
    )
    assert machine.cpu_quota() == 1.5
    assert machine.memory_limit() == 2**30
    threads, memory = next(machine.threads()), next(machine.memory())
    assert "limited to 1.5" in threads.value
    assert "limited to 1.0 GiB" in memory.value and "--maxmemory 512mb" in memory.advice


def test_no_limits_of_the_cgroup(monkeypatch):
    monkeypatch.setattr(machine, "read_cgroup", {"cpu.max": "max 100000"}.get)
    assert machine.cpu_quota() is None
    assert machine.memory_limit() is None


IMPORTED = "import sys, respnet; print('\\n'.join(sys.modules))"


def test_importing_respnet_loads_nothing_of_weight():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "respnet" in loaded
    assert loaded & {"rich", "redis", "apsw", "uvloop", "argparse", "respnet.engine"} == set()


def test_an_unknown_public_name_is_an_attribute_error():
    import respnet as package

    with pytest.raises(AttributeError, match="no attribute 'Netwrok'"):
        package.Netwrok  # noqa: B018
    assert "Network" in dir(package)
