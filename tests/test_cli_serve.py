"""``respnet serve`` as a process: settings, refusals, start, stop."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

redis = pytest.importorskip("redis")


def respnet(*words, cwd=None, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RESPNET_")}
    return subprocess.run(
        [sys.executable, "-m", "respnet.cli", "serve", *map(str, words)],
        capture_output=True, text=True, timeout=60, cwd=cwd, env={**clean, **environment},
    )


def settings(done):
    """{name: (value, origin)} of --print-config."""
    assert done.returncode == 0, done.stderr
    return {m[1]: (m[2], m[3]) for m in re.finditer(r"^(\S+) = (.*?)  # (.*)$", done.stdout, re.M)}


def test_defaults_are_loopback_and_port_6390(tmp_path):
    found = settings(respnet("--print-config", cwd=tmp_path))
    assert found["port"] == ("6390", "default")
    assert found["bind"] == ("127.0.0.1 -::1", "default")


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path):
    (tmp_path / "respnet.toml").write_text("port = 1111\ntimeout = 5\nmaxclients = 77\n")
    found = settings(
        respnet("--print-config", "--port", 3333, cwd=tmp_path,
                RESPNET_PORT="2222", RESPNET_TIMEOUT="6")
    )
    assert found["port"] == ("3333", "--port")
    assert found["timeout"] == ("6", "RESPNET_TIMEOUT")
    assert found["maxclients"] == ("77", "respnet.toml")


def test_a_password_is_never_printed(tmp_path):
    done = respnet("--print-config", "--requirepass", "sesame", cwd=tmp_path)
    assert settings(done)["requirepass"] == ("***", "--requirepass")
    assert "sesame" not in done.stdout


@pytest.mark.parametrize("words, said", [
    (["--bind", "0.0.0.0"], "refusing to listen on 0.0.0.0 without a password"),
    (["--bind", "127.0.0.1 -::"], "refusing to listen on :: without a password"),
    (["--bind", "*"], "refusing to listen on * without a password"),
    (["--port", "x"], "port: argument couldn't be parsed into an integer"),
    (["--port", "70000"], "must be between 0 and 65535"),
    (["--appendfsync", "sometimes"], "must be one of"),
    (["--config", "missing.toml"], "missing.toml: there is no such file"),
])
def test_what_it_refuses_is_one_line_and_code_2(words, said, tmp_path):
    done = respnet(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("serve: ") and done.stderr.count("\n") == 1


def test_an_unknown_name_in_the_file_is_refused(tmp_path):
    (tmp_path / "respnet.toml").write_text("prot = 6400\n")
    done = respnet(cwd=tmp_path)
    assert done.returncode == 2 and "'prot'" in done.stderr


def test_the_example_file_is_understood(tmp_path):
    example = Path(__file__).resolve().parents[1] / "deploy" / "respnet.toml"
    found = settings(respnet("--config", example, "--print-config", cwd=tmp_path))
    given = [name for name, (_, origin) in found.items() if origin == str(example)]
    assert len(given) > 8 and "dir" in given


def test_a_taken_port_is_named_with_another_to_try(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = respnet("--port", port, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"serve: port {port} is taken; try --port {port + 1}"


@pytest.fixture
def server(tmp_path):
    """(process, client) of a server with a store in tmp_path/data."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = ["serve", "--port", str(port), "--dir", str(tmp_path / "data")]
    process = subprocess.Popen(
        [sys.executable, "-m", "respnet.cli", *words], stderr=subprocess.PIPE, text=True,
        cwd=tmp_path,
    )
    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)
    with redis.Redis(port=port, retry=retry, retry_on_error=[redis.ConnectionError]) as patient:
        patient.ping()
    with redis.Redis(port=port, retry=None) as client:
        yield process, client
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_sigterm_ends_it_in_order(server):
    process, client = server
    client.set("k", "v")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_shutdown_ends_it_too(server):
    process, client = server
    client.shutdown()
    assert process.wait(20) == 0


def test_serve_keeps_its_data_beside_it_unless_told_otherwise(tmp_path):
    def shown(*words):
        command = [sys.executable, "-m", "respnet.cli", "serve", "--print-config", *words]
        lines = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
        return next(line for line in lines.splitlines() if line.startswith("dir ="))

    assert shown() == "dir = respnet-data  # respnet serve"
    assert shown("--dir", "other") == "dir = other  # --dir"
    assert shown("--dir", "") == 'dir = ""  # --dir'
