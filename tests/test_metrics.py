"""GET /metrics: what Prometheus reads, and what it refuses."""

import contextlib
import socket
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
from ai_models import execute, network, put, said, store
from conftest import PATIENCE, free_port

parser = pytest.importorskip("prometheus_client.parser", reason="it is in the test extra")

ODD = b'a "b\\\n\xff \xc3\xa9'
SCRIPT = """
def double(tensors: List[Tensor], keys: List[str], args: List[str]):
    return tensors[0] * 2
"""


@pytest.fixture
def watched(serve):
    return serve(metrics_port=free_port())


def port_of(server):
    return server.settings["metrics_port"]


def scrape(server):
    """{(name, labels as a frozenset): number}, and {family: type}."""
    url = f"http://127.0.0.1:{port_of(server)}/metrics"
    with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        text = reply.read().decode()
    families = list(parser.text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    found = {(one.name, frozenset(one.labels.items())): one.value for one in samples}
    assert len(found) == len(samples)
    return found, {family.name: family.type for family in families}


def figure(found, name, **labels):
    return found.get((f"respnet_{name}", frozenset(labels.items())))


def raw(server, data, end=False):
    """Bytes to the port -> all bytes of the answer."""
    with socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE) as sock:
        sock.sendall(data)
        if end:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while more := sock.recv(1 << 16):
                answer += more
        return answer


def test_commands_errors_and_keys_are_counted(watched):
    client = watched.redis()
    client.set("a", 1)
    client.get("a")
    said(client, "INCR", "a", "b")
    client.set("b", "x", px=10**6)
    found, types = scrape(watched)
    assert figure(found, "commands_total", command="set") == 2
    assert figure(found, "command_errors_total", command="set") == 0
    assert figure(found, "command_errors_total", command="incr") == 1
    assert figure(found, "keys", db="0") == 2
    assert figure(found, "connected_clients") == 1
    assert figure(found, "memory_used_bytes") == client.info("memory")["used_memory"]
    assert figure(found, "store_commits_total") >= 1
    assert types["respnet_commands"] == "counter" and types["respnet_keys"] == "gauge"
    assert ("process_cpu_seconds_total", frozenset()) in found


def test_a_server_that_keeps_nothing_has_no_figures_of_a_store(serve):
    server = serve(metrics_port=free_port(), dir="")
    found, _ = scrape(server)
    assert figure(found, "store_commits_total") is None


def test_models_and_scripts_of_any_name_are_counted(watched):
    client = watched.redis()
    store(client, ODD, network(3, 4, 2))
    store(client, rb"\xff", network(3, 4, 2), device="cpu:1")
    client.execute_command("AI.SCRIPTSTORE", "s", "CPU", "ENTRY_POINTS", 1, "double",
                           "SOURCE", SCRIPT)
    put(client, "x", np.zeros((5, 3), "f4"))
    put(client, "bad", np.zeros((5, 2), "f4"))
    for _ in range(3):
        execute(client, ODD, ["x"], ["y"])
    said(client, "AI.MODELEXECUTE", ODD, "INPUTS", 1, "bad", "OUTPUTS", 1, "y")
    client.execute_command("AI.SCRIPTEXECUTE", "s", "double", "INPUTS", 1, "x", "OUTPUTS", 1, "y")
    found, types = scrape(watched)
    model = {"db": "0", "key": 'a "b\\\\\n\\xff é', "type": "model", "device": "CPU"}
    assert figure(found, "model_calls_total", **model) == 4
    assert figure(found, "model_errors_total", **model) == 1
    assert figure(found, "model_samples_total", **model) == 15
    assert types["respnet_model_run_seconds"] == "histogram"
    assert figure(found, "model_run_seconds_count", **model) == 3
    assert figure(found, "model_run_seconds_bucket", le="+Inf", **model) == 3
    seconds = client.execute_command("AI.INFO", ODD)[11] / 1e6
    assert figure(found, "model_run_seconds_sum", **model) == seconds > 0
    other = {"db": "0", "key": r"\\xff", "type": "model", "device": "cpu:1"}
    assert figure(found, "model_calls_total", **other) == 0
    script = {"db": "0", "key": "s", "type": "script", "device": "CPU"}
    assert figure(found, "model_calls_total", **script) == 1
    assert figure(found, "model_samples_total", **script) is None
    assert figure(found, "queue_waiting_runs", device="CPU") == 0
    assert figure(found, "queue_busy_workers", device="CPU") == 0


def test_buckets_hold_all_that_is_below(watched):
    client = watched.redis()
    store(client, "m", network(3, 4, 2))
    put(client, "x", np.zeros((5, 3), "f4"))
    for _ in range(20):
        execute(client, "m", ["x"], ["y"])
    found, _ = scrape(watched)
    counts = [(float(dict(labels)["le"]), number) for (name, labels), number in found.items()
              if name == "respnet_model_run_seconds_bucket"]
    numbers = [number for _, number in sorted(counts)]
    assert len(numbers) == 17 and numbers == sorted(numbers) and numbers[-1] == 20


def test_networks_of_nr_are_counted(watched):
    client = watched.redis()
    client.execute_command("NR.CREATE", "n", "REGRESSOR", 3, 4, "->", 2)
    put(client, "x", np.zeros((5, 3), "f4"))
    execute(client, "n", ["x"], ["y"])
    found, _ = scrape(watched)
    assert figure(found, "model_samples_total", db="0", key="n", type="model", device="CPU") == 5


@pytest.mark.parametrize("request_line, status", [
    (b"GET /metrics HTTP/1.1", b"200 OK"),
    (b"GET /metrics?name[]=up HTTP/1.0", b"200 OK"),
    (b"GET / HTTP/1.1", b"404 Not Found"),
    (b"GET /metricsx HTTP/1.1", b"404 Not Found"),
    (b"POST / HTTP/1.1", b"404 Not Found"),
    (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
    (b"GET /metrics HTTP/2.0", b"400 Bad Request"),
    (b"GET metrics HTTP/1.1", b"400 Bad Request"),
    (b"get /metrics HTTP/1.1", b"400 Bad Request"),
    (b"PING", b"400 Bad Request"),
    (b"\x16\x03\x01\x00", b"400 Bad Request"),
    (b"GET /" + b"a" * 9000 + b" HTTP/1.1", b"400 Bad Request"),
])
def test_requests_are_answered_by_their_first_line(watched, request_line, status):
    answer = raw(watched, request_line + b"\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head and body
    assert (b"\r\nAllow: GET\r\n" in head) == (b"405" in status)


def test_half_a_request_gets_no_answer(watched):
    assert raw(watched, b"GET /metrics HTTP/1.1\r\n", end=True) == b""


def test_one_connection_too_many_is_cut_and_redis_clients_do_not_notice(watched):
    client = watched.redis()
    held = [socket.create_connection(("127.0.0.1", port_of(watched)), PATIENCE)
            for _ in range(16)]
    assert raw(watched, b"GET /metrics HTTP/1.1\r\n\r\n") == b""
    assert client.ping()
    for sock in held:  # silent ones are cut off in time, which makes room
        assert sock.recv(1) == b""
        sock.close()
    found, _ = scrape(watched)
    assert figure(found, "connected_clients") == 1


def test_there_is_no_port_unless_it_is_asked_for(serve):
    server, port = serve(), free_port()
    assert server.redis().config_get("metrics-port") == {"metrics-port": "0"}
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), PATIENCE)


BLOCKED = """
import sys
sys.modules["prometheus_client"] = None
from respnet.redisproto.__main__ import main
main()
"""


def refused(*flags, start=("-m", "respnet.redisproto")):
    done = subprocess.run([sys.executable, *start, *flags], capture_output=True, text=True,
                          timeout=PATIENCE)
    return done.returncode, done.stderr.strip().splitlines()[-1]


def test_a_missing_library_is_named():
    flags = [f"--port={free_port()}", f"--metrics-port={free_port()}"]
    assert refused(*flags, start=("-c", BLOCKED)) == (
        1, 'respnet: metrics-port needs the "web" extra: pip install "respnet[web]"')


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = refused(f"--port={free_port()}", f"--metrics-port={port}")
    assert code == 1 and line.startswith(f"respnet: cannot listen on 127.0.0.1 port {port}: ")


def test_an_open_address_needs_a_password_for_metrics_too(tmp_path):
    flags = ["--port=0", f"--unixsocket={tmp_path}/s", "--bind=0.0.0.0"]
    code, line = refused(*flags, f"--metrics-port={free_port()}")
    assert code == 1
    assert line.startswith("respnet: refusing to listen on 0.0.0.0 without a password: ")
