"""Scripts compiled and run by torch in its child: the tests of the other scripts, and its own."""

import contextlib
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from ai_models import got, network, put, said
from ai_models import store as store_model
from conftest import ServerProcess
from nr_helpers import until
from runtime_models import X, archive, children, need, torch_endless, torch_plain
from test_ai_scripts import (  # noqa: F401
    FOREIGN,
    RUN_ERRORS,
    SCRIPT,
    A,
    encoded,
    ready,
    save,
    test_a_dag_of_another_database_reaches_that_one,
    test_a_script_runs_commands_and_models,
    test_figures,
    test_in_a_dag,
    test_others_go_on_and_a_run_that_waits_too_long_is_not_begun,
    test_running,
    test_running_the_old_way,
    test_what_was_stored_comes_back,
    test_within_multi,
)

NOT_LOADED = "ERR Could not load backend"
ENDED = "ERR the runtime ended while the model was in it"
SETTINGS = {"backends": "torch", "scripts": "torch", "model_execution_timeout": 2000,
            "backend_memory_limit": "256mb"}


@pytest.fixture(scope="module")
def shared_server():
    need("torch")
    with (
        tempfile.TemporaryDirectory(prefix="respnet-test-") as folder,
        contextlib.closing(ServerProcess(folder, dir=f"{folder}/data", **SETTINGS)) as server,
    ):
        yield server


def run(client, function, *words, inputs=("a",), outputs=("c",)):
    return client.execute_command("AI.SCRIPTEXECUTE", "s", function, "INPUTS", len(inputs), *inputs,
                                  *words, "OUTPUTS", len(outputs), *outputs)


def failed(client, function, *words, inputs=("a",), outputs=("c",)):
    return said(client, "AI.SCRIPTEXECUTE", "s", function, "INPUTS", len(inputs), *inputs, *words,
                "OUTPUTS", len(outputs), *outputs)


def by_torch(text):
    """What torch says instead: it names no columns, and words of its own."""
    if "there is no place" in text:
        return "ERR list index out of range"
    _, found, rest = text.partition("column 5: ")
    if rest.startswith("WRONGTYPE"):
        return rest
    return f"ERR {rest}" if found else text


@pytest.mark.parametrize(("words", "text"), RUN_ERRORS)
def test_a_wrong_run_is_refused_by_torch(ready, words, text):
    assert said(ready, *words) == by_torch(text)
    assert ready.exists("c", "d") == 0


@pytest.mark.parametrize("command", FOREIGN)
def test_commands_that_scripts_of_torch_may_not_run(ready, command):
    assert failed(ready, "forbidden", "ARGS", 2, command, "x", inputs=()) == (
        f"ERR a script cannot run the command '{command}'")


FULL = """
def full(tensors: List[Tensor], keys: List[str], args: List[str]):
    found: Dict[str, Tensor] = {}
    for i, one in enumerate(tensors):
        found[str(i)] = one
    x = torch.stack([found[key] for key in found.keys()])
    if x.dim() > 1 and not bool(x.isnan().any()):
        x = torch.nn.functional.softmax(torch.cummax(x, 0)[0], dim=-1)
    return x.unfold(-1, 2, 1).contiguous().view(-1)
"""


def test_what_only_torchscript_has(ready):
    save(ready, "s", entries=("full",), source=FULL)
    run(ready, "full", inputs=("a", "b"))
    assert got(ready, "c").tolist() == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)] * 4)


@pytest.mark.parametrize(("line", "text"), [
    ("return torch.os.system('id')", "line 3: object has no attribute os"),
    ("return torch.save(tensors, 'x')", "line 3: object has no attribute save"),
    ("return torch.load('x')", "line 3: object has no attribute load"),
    ("return torch.from_file('x')", "line 3: object has no attribute from_file"),
    ("return torch.ops.aten.relu(tensors[0])", "line 3: object has no attribute ops"),
    ("return torch.jit.fork(f, tensors)", "line 3: object has no attribute fork"),
    ("return torch.hub.load('a', 'b')", "line 3: object has no attribute hub"),
    ("return torch.__getattribute__('os')", "line 3: object has no attribute __getattribute__"),
    ("return torch.__class__", "line 3: object has no attribute __class__"),
    ("return redis.execute.__globals__", "line 3: attribute lookup is not defined on builtin"),
    ("return json.dumps(1)", "line 3: undefined value json"),
    ("return open('x')", "line 3: undefined value open"),
    ("return eval('1')", "line 3: undefined value eval"),
    ("return __import__('os')", "line 3: undefined value __import__"),
    ("return tensors[0]\nimport os", "line 4: expected def but found 'import'"),
    ("return redis.execute()", "line 3: Arguments for call are not valid."),
    ("return f(tensors, keys, args)", "line 3: function 'f' is called recursively. Recursive calls "
                                      "are not supported"),
])
def test_what_is_no_script_of_torch(ready, line, text):
    source = f"\ndef f(tensors: List[Tensor], keys: List[str], args: List[str]):\n    {line}\n"
    assert said(ready, "AI.SCRIPTSET", "t", "CPU", "SOURCE", source) == f"ERR {text}"
    assert ready.exists("t") == 0


COUNT = "ERR Wrong number of inputs in function f. Expected 3 but was {}"


@pytest.mark.parametrize(("parameters", "text"), [
    ("x: Tensor", COUNT.format(1)),
    ("tensors: List[Tensor], keys: List[str]", COUNT.format(2)),
    ("a: List[Tensor], b: List[str], c: List[int]",
     "ERR Wrong inputs type in function f. Expected signature similar to: def f(tensors: "
     "List[Tensor], keys: List[str], args: List[str])")])
def test_entry_points_take_three_lists(ready, parameters, text):
    words = ("ENTRY_POINTS", 1, "f", "SOURCE", f"def f({parameters}):\n    return 1\n")
    assert said(ready, "AI.SCRIPTSTORE", "t", "CPU", *words) == text
    assert ready.exists("t") == 0


def test_a_model_cannot_ask_the_server(ready):
    """An archive may hold the operators that scripts ask with, they are there in the child."""
    import torch

    library = torch.library.Library("redis", "DEF")
    library.define("execute.words2(Any word0, Any word1) -> Any", alias_analysis="CONSERVATIVE")

    class Asks(torch.nn.Module):
        def forward(self, x):
            torch.ops.redis.execute("INCR", "n")
            return x

    ready.execute_command("AI.MODELSTORE", "m", "TORCH", "CPU", "BLOB", archive(Asks()))
    error = said(ready, "AI.MODELEXECUTE", "m", "INPUTS", 1, "a", "OUTPUTS", 1, "c")
    assert error == "ERR only a script can ask the server" and ready.exists("n", "c") == 0


def test_a_script_asks_for_a_model_of_the_same_child(ready):
    words = ("TORCH", "CPU", "BLOB", torch_plain())
    ready.execute_command("AI.MODELSTORE", "m", *words)
    put(ready, "x", X)
    for _ in range(4):
        run(ready, "model", "KEYS", 1, "m", "ARGS", 1, 1, inputs=("x",))
        assert got(ready, "c").tolist() == (-X).tolist()
    ready.execute_command("AI.MODELSTORE", "e", "TORCH", "CPU", "BLOB", torch_endless())
    error = failed(ready, "model", "KEYS", 1, "e", "ARGS", 1, 1, inputs=("x",))
    assert error == "ERR more than 2.0 seconds"  # the model was ended, and the script with it
    run(ready, "model", "KEYS", 1, "m", "ARGS", 1, 1, inputs=("x",))
    store_model(ready, "n", network())
    assert failed(ready, "model", "KEYS", 1, "n", "ARGS", 1, 2, inputs=("x",)) == (
        "ERR the model has 1 outputs, wanted 2")


REPLIES = """
def kinds(tensors: List[Tensor], keys: List[str], args: List[str]):
    nothing = redis.execute("GET", "none")
    number = redis.execute("STRLEN", "k")
    texts = redis.asList(redis.execute("MGET", ["k", "none"]))
    empty = redis.asList(redis.execute("LRANGE", "none", 0, -1))
    found = [str(nothing), str(number), str(len(texts)), str(texts[1]), str(len(empty))]
    redis.execute("RPUSH", "found", found)
    return tensors[0] * float(str(texts[0]))

def drop(tensors: List[Tensor], keys: List[str], args: List[str]):
    redis.execute("SET", "k", "1.5")
    redis.execute("GET", "k")
    return {"k": 1}

def bytes(tensors: List[Tensor], keys: List[str], args: List[str]):
    redis.execute("GET", keys[0])
    return tensors
"""


def test_replies_inside_a_script(ready):
    save(ready, "s", entries=("kinds", "drop"), source=REPLIES)
    assert ready.execute_command("AI.SCRIPTEXECUTE", "s", "drop", "INPUTS", 0) == b"OK"
    assert ready.get("k") == b"1.5"  # what a call gives is not used, and it is made all the same
    run(ready, "kinds")
    assert (got(ready, "c") == A * 1.5).all()
    assert ready.lrange("found", 0, -1) == [b"None", b"3", b"2", b"None", b"0"]
    ready.set("b1", b"\xff\xfe")
    assert failed(ready, "bytes", "KEYS", 1, "b1") == "ERR torch takes words in UTF-8 only"
    assert failed(ready, "bytes", "KEYS", 1, b"\xff") == "ERR torch takes words in UTF-8 only"


LOOPS = """
def forever(tensors: List[Tensor], keys: List[str], args: List[str]):
    x = tensors[0]
    while bool(x.sum() < 1e30):
        x = -x
    return x

def asking(tensors: List[Tensor], keys: List[str], args: List[str]):
    while str(redis.execute("EXISTS", "never")) == "0":
        redis.execute("INCR", "rounds")
    return tensors

def large(tensors: List[Tensor], keys: List[str], args: List[str]):
    return torch.ones([20000, 20000])
"""


@pytest.mark.parametrize("function", ["forever", "asking"])
def test_a_script_without_end(ready, function):
    save(ready, "s", entries=(function,), source=LOOPS)
    assert failed(ready, function) == "ERR more than 2.0 seconds"
    save(ready)
    run(ready, "bar", inputs=("a", "b"))
    assert (got(ready, "c") == 2 * A).all()


def test_the_loop_does_not_wait_for_a_script_that_waits_for_it(ready, server):
    save(ready, "s", entries=("asking",), source=LOOPS)
    waiting = server.connect()
    words = ("AI.SCRIPTEXECUTE", "s", "asking", "INPUTS", 1, "a", "OUTPUTS", 1, "c")
    waiting.send(encoded(words))
    until(lambda: int(ready.get("rounds") or 0) > 3)
    pipe = ready.pipeline()
    pipe.execute_command("AI.SCRIPTSET", "t", "CPU", "SOURCE", SCRIPT)
    pipe.set("never", 1)  # it goes on while EXEC does not wait for it
    (refused, stored) = pipe.execute(raise_on_error=False)
    assert str(refused) == "the runtime is busy: outside of MULTI it would be waited for"
    assert stored is True and waiting.read() == [b"OK"]


def test_a_script_that_wants_too_much(ready):
    save(ready, "s", entries=("large",), source=LOOPS)
    error = failed(ready, "large")
    assert error == ENDED or "memory" in error or "allocate" in error


def test_a_script_outlives_child_and_server(serve):
    need("torch")
    server = serve(**SETTINGS, appendfsync="always")
    client = server.redis(protocol=2)
    save(client)
    put(client, "a", A)
    (child,) = children(server)
    os.kill(child, signal.SIGKILL)
    until(lambda: ") Z" in Path(f"/proc/{child}/stat").read_text())  # dead, the server may know
    run(client, "bar", inputs=("a", "a"))
    server.end(signal.SIGKILL)
    server.start()
    client = server.redis(protocol=2)
    assert children(server) == []  # a script is compiled again by its first run
    run(client, "bar", inputs=("a", "a"))
    assert (got(client, "c") == 2 * A).all()
    payload = client.dump("s")
    client.restore("t", 0, payload)
    assert client.execute_command("AI.SCRIPTGET", "t", "SOURCE") == SCRIPT.encode()


def test_without_torch_there_are_no_scripts_of_torch(serve):
    server = serve(scripts="torch")
    assert said(server.redis(), "AI.SCRIPTSET", "s", "CPU", "SOURCE", SCRIPT) == NOT_LOADED
    assert "--backends torch" in server.log
