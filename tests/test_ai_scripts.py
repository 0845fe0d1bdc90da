"""AI.SCRIPT* over a socket: replies, checks in their order, texts."""

import signal
import time

import numpy as np
import pytest
from ai_models import WRONGTYPE, figures, got, network, put, said, store
from nr_helpers import until

from respnet.redisproto import ai_script_host

SCRIPT = """
def bar(tensors: List[Tensor], keys: List[str], args: List[str]):
    a, b = tensors[0], tensors[1]
    if len(args) > 0:
        return a + b * float(args[0])
    return a + b

def two(tensors: List[Tensor], keys: List[str], args: List[str]):
    return tensors[0] + 1, tensors[0] * 2

def plain(a, b):
    return a + b

def variadic(a, rest: List[Tensor]):
    return rest[0] + rest[1] + a

def note(tensors: List[Tensor], keys: List[str], args: List[str]):
    redis.execute("SET", keys[0], args[0])
    redis.execute("RPUSH", keys[1], args)
    found = redis.asList(redis.execute("LRANGE", keys[1], 0, -1))
    return torch.tensor([int(str(one)) for one in found])

def wait(tensors: List[Tensor], keys: List[str], args: List[str]):
    while str(redis.execute("EXISTS", keys[0])) == "0":
        pass
    return tensors

def model(tensors: List[Tensor], keys: List[str], args: List[str]):
    return redisAI.model_execute(keys[0], tensors, int(args[0]))

def count(tensors: List[Tensor], keys: List[str], args: List[str]):
    return 3

def forbidden(tensors: List[Tensor], keys: List[str], args: List[str]):
    return redis.execute(args[0], args[1:])
"""
ENTRIES = ("bar", "two", "note")
A = np.array([[2, 3], [2, 3]], np.float32)


def save(client, key="s", *options, device="CPU", entries=ENTRIES, source=SCRIPT):
    return client.execute_command("AI.SCRIPTSTORE", key, device, *options, "ENTRY_POINTS",
                                  len(entries), *entries, "SOURCE", source)


@pytest.fixture
def ready(resp3):
    """A client; the script at s, tensors at a and b."""
    save(resp3)
    put(resp3, "a", A)
    put(resp3, "b", A)
    return resp3


def test_what_was_stored_comes_back(client):
    ask = client.execute_command
    assert save(client, "s", "TAG", "v:1", device="cpu:1") == b"OK"
    meta = [b"device", b"cpu:1", b"tag", b"v:1", b"Entry Points", [b"bar", b"two", b"note"]]
    assert ask("AI.SCRIPTGET", "s", "META") == meta
    assert ask("AI.SCRIPTGET", "s", "source") == SCRIPT.encode()
    for words in ((), ("SOURCE", "META"), ("what", "else")):
        assert ask("AI.SCRIPTGET", "s", *words) == [*meta, b"source", SCRIPT.encode()]
    assert client.type("s") == b"AI_SCRIPT"
    assert client.memory_usage("s") > len(SCRIPT)
    assert said(client, "COPY", "s", "t") == "ERR not supported for this module key"
    assert ask("AI.SCRIPTSET", "t", "CPU", "SOURCE", SCRIPT) == b"OK"
    assert ask("AI.SCRIPTSET", "u", "CPU", "TAG", "x", "SOURCE", SCRIPT) == b"OK"
    assert ask("AI.SCRIPTGET", "t", "META")[-1] == []
    assert ask("AI._SCRIPTSCAN") == [[b"s", b"v:1"], [b"t", b""], [b"u", b"x"]]
    assert ask("AI._MODELSCAN") == []
    assert ask("AI.SCRIPTDEL", "s") == b"OK"
    assert said(client, "AI.SCRIPTGET", "s") == "ERR script key is empty"
    assert said(client, "AI.SCRIPTDEL", "s") == "ERR script key is empty"


STORE_ERRORS = [
    (("s",), "ERR wrong number of arguments for 'AI.SCRIPTSTORE' command"),
    (("s", "CPU", "SOURCE", "return 1"),
     "ERR wrong number of arguments for 'AI.SCRIPTSTORE' command"),
    (("s", "CPU", "NO_ENTRY_POINTS", 2, "bar", "two", "SOURCE", SCRIPT),
     "ERR Insufficient arguments, missing script entry points"),
    (("s", "CPU", "ENTRY_POINTS", "x", "bar", "two", "SOURCE", SCRIPT),
     "ERR Non numeric entry points number provided to AI.SCRIPTSTORE command"),
    (("s", "CPU", "ENTRY_POINTS", 9, "bar", "two", "SOURCE", SCRIPT),
     "ERR Insufficient arguments, missing script entry points"),
    (("s", "CPU", "ENTRY_POINTS", 20000, "bar", "two", "SOURCE", SCRIPT),
     "ERR a script has at most 10000 entry points"),
    (("s", "CPU", "ENTRY_POINTS", 2, "bar", "two", "SOURCE"),
     "ERR Insufficient arguments, missing script SOURCE"),
    (("s", "CPU", "ENTRY_POINTS", 2, "bar", "two", "FOO", SCRIPT),
     "ERR Insufficient arguments, missing script SOURCE"),
    (("s", "CPU", "ENTRY_POINTS", 1, "bar", "SOURCE", SCRIPT, "more"),
     "ERR Invalid argument: more"),
    (("s", "XPU", "ENTRY_POINTS", 2, "bar", "two", "SOURCE", SCRIPT), "ERR unsupported device"),
    (("s", "GPU", "ENTRY_POINTS", 2, "bar", "two", "SOURCE", SCRIPT),
     "ERR GPU requested but the GPU executor is not available"),
    (("s", "CPU", "ENTRY_POINTS", 2, "bar", "bar1", "SOURCE", SCRIPT),
     "ERR Function bar1 does not exist in the given script."),
    (("s", "CPU", "ENTRY_POINTS", 2, "bar", "plain", "SOURCE", SCRIPT),
     "ERR Wrong number of inputs in function plain. Expected 3 but was 2"),
    (("s", "CPU", "ENTRY_POINTS", 1, "f", "SOURCE", "def f(a, b, c): return a"),
     "ERR Wrong inputs type in function f. Expected signature similar to: def f(tensors: "
     "List[Tensor], keys: List[str], args: List[str])"),
    (("s", "CPU", "ENTRY_POINTS", 1, "f", "SOURCE", "def f(a):\n  import os"),
     "ERR line 2, column 3: import is not allowed in a script"),
    (("s", "CPU", "ENTRY_POINTS", 1, "f", "SOURCE", b"\xff\xfe"),
     "ERR the source of a script is text in UTF-8"),
]


@pytest.mark.parametrize(("words", "text"), STORE_ERRORS)
def test_a_wrong_store_is_refused(resp2, words, text):
    assert said(resp2, "AI.SCRIPTSTORE", *words) == text
    assert resp2.exists("s") == 0


@pytest.mark.parametrize(("words", "text"), [
    (("s", "CPU", "SOURCE"), "ERR wrong number of arguments for 'AI.SCRIPTSET' command"),
    (("s", "CPU", "TAG", "x", "SOURCE"),
     "ERR wrong number of arguments for 'AI.SCRIPTSET' command"),
    (("s", "CPU", "FOO", SCRIPT), "ERR Insufficient arguments, missing script SOURCE"),
    (("s", "PU", "SOURCE", SCRIPT), "ERR unsupported device"),
])
def test_a_wrong_set_is_refused(resp2, words, text):
    assert said(resp2, "AI.SCRIPTSET", *words) == text


def test_values_of_other_types(resp2):
    resp2.set("s", "text")
    words = ("CPU", "ENTRY_POINTS", 1, "bar", "SOURCE", SCRIPT)
    assert said(resp2, "AI.SCRIPTSTORE", "s", *words) == WRONGTYPE
    for name in ("GET", "DEL"):
        assert said(resp2, f"AI.SCRIPT{name}", "s") == WRONGTYPE
    assert said(resp2, "AI.SCRIPTEXECUTE", "s", "bar", "INPUTS", 1, "a") == WRONGTYPE
    assert said(resp2, "AI.SCRIPTGET", "s", "a", "b", "c") == (
        "ERR wrong number of arguments for 'AI.SCRIPTGET' command")


def test_running(ready):
    ask = ready.execute_command
    assert ask("AI.SCRIPTEXECUTE", "s", "bar", "INPUTS", 2, "a", "b", "OUTPUTS", 1, "c") == b"OK"
    assert (got(ready, "c") == 2 * A).all()
    ask("AI.SCRIPTEXECUTE", "s", "bar", "KEYS", 1, "k", "INPUTS", 2, "a", "b", "ARGS", 1, "0.5",
        "OUTPUTS", 1, "c", "TIMEOUT", 9999)
    assert (got(ready, "c") == 1.5 * A).all()
    ask("ai.scriptexecute", "s", "two", "inputs", 1, "a", "outputs", 2, "x", "y")
    assert (got(ready, "x") == A + 1).all() and (got(ready, "y") == 2 * A).all()
    assert ask("AI.SCRIPTEXECUTE", "s", "two", "INPUTS", 1, "a") == b"OK"  # dropped
    ask("AI.SCRIPTEXECUTE", "s", "plain", "INPUTS", 2, "a", "b", "OUTPUTS", 1, "c")
    assert (got(ready, "c") == 2 * A).all()
    ask("AI.SCRIPTEXECUTE", "s", "variadic", "INPUTS", 3, "a", "b", "b", "OUTPUTS", 1, "c")
    assert (got(ready, "c") == 3 * A).all()


def test_running_the_old_way(ready):
    ask = ready.execute_command
    assert ask("AI.SCRIPTRUN", "s", "plain", "INPUTS", "a", "b", "OUTPUTS", "c") == b"OK"
    assert (got(ready, "c") == 2 * A).all()
    ask("AI.SCRIPTRUN", "s", "variadic", "TIMEOUT", 9999, "INPUTS", "a", "$", "b", "c",
        "OUTPUTS", "d")
    assert (got(ready, "d") == 4 * A).all()
    ask("AI.SCRIPTRUN", "s", "bar", "INPUTS", "a", "b", "OUTPUTS", "c")
    assert (got(ready, "c") == 2 * A).all()


def test_a_script_runs_commands_and_models(ready):
    ready.execute_command("AI.SCRIPTEXECUTE", "s", "note", "KEYS", 2, "k", "l", "ARGS", 2, 7, 8,
                          "OUTPUTS", 1, "c")
    assert ready.get("k") == b"7" and ready.lrange("l", 0, -1) == [b"7", b"8"]
    assert got(ready, "c").tolist() == [7, 8]
    net = network()
    store(ready, "m", net)
    row = np.ones((1, 3), np.float32)
    put(ready, "r", row)
    ready.execute_command("AI.SCRIPTEXECUTE", "s", "model", "KEYS", 1, "m", "INPUTS", 1, "r",
                          "ARGS", 1, 1, "OUTPUTS", 1, "c")
    np.testing.assert_allclose(got(ready, "c"), net.predict(row), rtol=1e-6)


RUN = ("AI.SCRIPTEXECUTE", "s", "bar")
COUNT = "ERR number of {} to AI.SCRIPTEXECUTE command does not match the number of given arguments"
RUN_ERRORS = [
    (("AI.SCRIPTEXECUTE", "s"), "ERR wrong number of arguments for 'AI.SCRIPTEXECUTE' command"),
    (("AI.SCRIPTEXECUTE", "none", "bar", "OUTPUTS"), "ERR script key is empty"),
    (RUN, "ERR KEYS or INPUTS scope must be provided first for AI.SCRIPTEXECUTE command"),
    ((*RUN, "OUTPUTS", 1, "c"),
     "ERR KEYS or INPUTS scope must be provided first for AI.SCRIPTEXECUTE command"),
    ((*RUN, "KEYS", 1), "ERR Missing arguments after KEYS keyword"),
    ((*RUN, "KEYS", "x", "k"), "ERR Invalid or negative value found in number of KEYS"),
    ((*RUN, "KEYS", -1, "k"), "ERR Invalid or negative value found in number of KEYS"),
    ((*RUN, "KEYS", 2, "k"), "ERR Number of pre declared KEYS to be used in the command does not "
                             "match the number of given arguments"),
    ((*RUN, "INPUTS", "x"), "ERR Invalid argument for input keys count in AI.SCRIPTEXECUTE"),
    ((*RUN, "INPUTS", 3, "a", "b"), COUNT.format("input keys")),
    ((*RUN, "INPUTS", 2, "a", "b", "OUTPUTS", 2, "c"), COUNT.format("output keys")),
    ((*RUN, "INPUTS", 2, "a", "b", "ARGS", 2, "c"), COUNT.format("args")),
    ((*RUN, "INPUTS", 1, "a", "INPUTS", 1, "b"),
     "ERR Already Encountered INPUTS scope in AI.SCRIPTEXECUTE command"),
    ((*RUN, "KEYS", 1, "a", "keys", 1, "b"),
     "ERR Already Encountered KEYS scope in AI.SCRIPTEXECUTE command"),
    ((*RUN, "INPUTS", 1, "a", "b", "OUTPUTS", 1, "c"),
     "ERR Invalid AI.SCRIPTEXECUTE command. Unexpected argument: b"),
    ((*RUN, "INPUTS", 1, "a", "TIMEOUT"), "ERR No value provided for TIMEOUT in AI.SCRIPTEXECUTE"),
    ((*RUN, "INPUTS", 1, "a", "TIMEOUT", "x"), "ERR Invalid value for TIMEOUT"),
    ((*RUN, "INPUTS", 1, "a", "TIMEOUT", 0), "ERR Invalid value for TIMEOUT"),
    ((*RUN, "INPUTS", 1, "a", "TIMEOUT", 9, "OUTPUTS", 1, "c"),
     "ERR Encountered problem parsing AI.SCRIPTEXECUTE"),
    (("AI.SCRIPTEXECUTE", "s", "none", "INPUTS", 1, "a"),
     "ERR Function none does not exist in the given script."),
    ((*RUN, "INPUTS", 1, "none"), "ERR tensor key is empty or in a different shard"),
    ((*RUN, "INPUTS", 1, "s"), WRONGTYPE),
    ((*RUN, "INPUTS", 1, "a", "OUTPUTS", 1, "c"),
     "ERR line 3, column 5: there is no place 1 among 1"),
    ((*RUN, "INPUTS", 2, "a", "b", "OUTPUTS", 2, "c", "d"),
     "ERR the function returned 1 tensors, OUTPUTS names 2"),
    ((*RUN, "INPUTS", 2, "a", "b", "OUTPUTS", 1, "s"), WRONGTYPE),
    (("AI.SCRIPTEXECUTE", "s", "plain", "INPUTS", 1, "a", "OUTPUTS", 1, "c"),
     "ERR the 1 INPUTS do not fit the parameters of function plain"),
    (("AI.SCRIPTEXECUTE", "s", "plain", "INPUTS", 3, "a", "a", "a", "OUTPUTS", 1, "c"),
     "ERR the 3 INPUTS do not fit the parameters of function plain"),
    (("AI.SCRIPTEXECUTE", "s", "count", "INPUTS", 1, "a", "OUTPUTS", 1, "c"),
     "ERR a function returns a Tensor or several, in a List or Tuple"),
    (("AI.SCRIPTEXECUTE", "s", "note", "KEYS", 2, "s", "a", "ARGS", 1, "1"),
     "ERR line 19, column 5: WRONGTYPE Operation against a key holding the wrong kind of value"),
    (("AI.SCRIPTEXECUTE", "s", "model", "KEYS", 1, "none", "INPUTS", 1, "a", "ARGS", 1, 1),
     "ERR line 29, column 5: model key is empty"),
    (("AI.SCRIPTRUN", "s"), "ERR wrong number of arguments for 'AI.SCRIPTRUN' command"),
    (("AI.SCRIPTRUN", "s", "plain", "a", "b"), "ERR Unrecongnized parameter to SCRIPTRUN"),
    (("AI.SCRIPTRUN", "s", "variadic", "INPUTS", "a", "$", "a", "$", "a", "OUTPUTS", "c"),
     "ERR Already encountered a variable size list of tensors"),
    (("AI.SCRIPTRUN", "s", "plain", "TIMEOUT", "x", "INPUTS", "a"),
     "ERR Invalid value for TIMEOUT"),
]


@pytest.mark.parametrize(("words", "text"), RUN_ERRORS)
def test_a_wrong_run_is_refused(ready, words, text):
    assert said(ready, *words) == text
    assert ready.exists("c", "d") == 0


FOREIGN = ("eval", "config", "flushall", "multi", "subscribe", "blpop", "shutdown", "save",
           "ai.modelexecute", "ai.scriptexecute", "client", "debug", "monitor", "replicaof")


@pytest.mark.parametrize("command", FOREIGN)
def test_commands_that_scripts_may_not_run(ready, command):
    assert said(ready, "AI.SCRIPTEXECUTE", "s", "forbidden", "KEYS", 0, "INPUTS", 0, "ARGS", 2,
                command, "x") == (
        f"ERR line 35, column 5: a script cannot run the command '{command}'")


def test_the_keys_of_a_run(server):
    new = (*RUN, "KEYS", 1, "k", "INPUTS", 1, "a", "ARGS", 1, "x", "OUTPUTS", 1, "c", "TIMEOUT", 3)
    old = ("AI.SCRIPTRUN", "s", "f", "INPUTS", "a", "$", "b", "OUTPUTS", "c")
    raw = server.connect()
    assert raw.ask(encoded(("COMMAND", "GETKEYS", *new))) == [[b"s", b"k", b"a", b"c"]]
    assert raw.ask(encoded(("COMMAND", "GETKEYS", *old))) == [[b"s", b"a", b"b", b"c"]]


def test_within_multi(ready):
    pipe = ready.pipeline()
    pipe.execute_command(*RUN, "INPUTS", 2, "a", "b", "OUTPUTS", 1, "c")
    pipe.execute_command("AI.SCRIPTSET", "t", "CPU", "SOURCE", SCRIPT)
    refused, stored = pipe.execute(raise_on_error=False)
    assert str(refused) == "Cannot run RedisAI command within a transaction or a LUA script"
    assert stored == b"OK" and ready.exists("c") == 0


def test_figures(ready):
    ready.execute_command(*RUN, "INPUTS", 2, "a", "b")
    said(ready, *RUN, "INPUTS", 1, "a")
    found = figures(ready, "s")
    assert found.pop("duration") > 0
    assert found == {"key": b"s", "type": b"SCRIPT", "backend": b"TORCH", "device": b"CPU",
                     "tag": b"", "samples": -1, "calls": 2, "errors": 1}
    save(ready)
    assert figures(ready, "s")["calls"] == 0
    ready.delete("s")
    assert said(ready, "AI.INFO", "s") == "ERR cannot find run info for key"


def test_others_go_on_and_a_run_that_waits_too_long_is_not_begun(ready, server):
    words = ("AI.SCRIPTEXECUTE", "s", "wait", "KEYS", 1, "go", "INPUTS", 1, "a", "OUTPUTS", 1, "c")
    waiting, late, before = server.connect(), server.connect(), taken(ready)
    waiting.send(encoded(words))
    until(lambda: taken(ready) == before + 1)
    late.send(encoded((*RUN, "INPUTS", 2, "a", "b", "OUTPUTS", 1, "d", "TIMEOUT", 1)))
    until(lambda: taken(ready) == before + 2)
    time.sleep(0.01)  # longer than the TIMEOUT
    ready.execute_command("AI.SCRIPTDEL", "s")  # the run goes on
    ready.set("go", 1)
    assert waiting.read() == [b"OK"] and late.read() == [b"TIMEDOUT"]
    assert (got(ready, "c") == A).all() and not ready.exists("d")


def taken(client):
    """Requests to run a script the server has taken so far."""
    return client.info("commandstats").get("cmdstat_ai.scriptexecute", {"calls": 0})["calls"]


def encoded(words):
    parts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def test_scripts_survive_a_restart(serve):
    server = serve()
    client = server.redis()
    save(client, "s", "TAG", "v")
    put(client, "a", A)
    server.end(signal.SIGTERM)
    server.start()
    client = server.redis()
    assert client.execute_command("AI.SCRIPTGET", "s")[3::2] == [b"v", [b"bar", b"two", b"note"],
                                                                 SCRIPT.encode()]
    assert figures(client, "s")["calls"] == 0
    client.execute_command(*RUN, "INPUTS", 2, "a", "a", "OUTPUTS", 1, "c")
    assert (got(client, "c") == 2 * A).all()


def test_in_a_dag(ready):
    words = ("AI.DAGEXECUTE LOAD 1 a PERSIST 2 x y |> AI.SCRIPTEXECUTE s two INPUTS 1 a OUTPUTS 2 "
             "x t |> AI.SCRIPTEXECUTE s bar INPUTS 2 x t ARGS 1 2 OUTPUTS 1 y")
    assert ready.execute_command(*words.split()) == [b"OK", b"OK"]
    assert (got(ready, "x") == A + 1).all() and (got(ready, "y") == A + 1 + 4 * A).all()
    words = "AI.DAGRUN LOAD 1 a PERSIST 1 z |> AI.SCRIPTRUN s variadic INPUTS a $ a a OUTPUTS z"
    assert ready.execute_command(*words.split()) == [b"OK"]
    assert (got(ready, "z") == 3 * A).all()


DAG = "AI.DAGEXECUTE LOAD 1 a |> "


@pytest.mark.parametrize(("words", "text"), [
    (DAG + "AI.SCRIPTEXECUTE s", "ERR wrong number of arguments for 'AI.SCRIPTEXECUTE' command"),
    (DAG + "AI.SCRIPTEXECUTE s none INPUTS 1 a",
     "ERR Function none does not exist in the given script."),
    (DAG + "AI.SCRIPTEXECUTE s bar INPUTS 1 a TIMEOUT 5",
     "ERR TIMEOUT not allowed within a DAG command"),
    (DAG + "AI.SCRIPTEXECUTE s plain INPUTS 1 a OUTPUTS 1 b",
     "ERR the 1 INPUTS do not fit the parameters of function plain"),
    ("AI.DAGRUN LOAD 1 a |> AI.SCRIPTRUN s plain TIMEOUT 5 INPUTS a a OUTPUTS b",
     "ERR TIMEOUT not allowed within a DAG command"),
])
def test_a_wrong_step_of_a_dag_is_refused(ready, words, text):
    assert said(ready, *words.split()) == text


def test_a_step_that_fails_is_told_in_its_place(ready):
    words = DAG + "AI.SCRIPTEXECUTE s bar INPUTS 1 a OUTPUTS 1 b |> AI.TENSORGET b VALUES"
    failed, missed = ready.execute_command(*words.split())
    assert str(failed) == "line 3, column 5: there is no place 1 among 1"
    assert missed == b"NA"


def test_a_dag_of_another_database_reaches_that_one(server):
    words = "AI.DAGEXECUTE ROUTING s |> AI.SCRIPTEXECUTE s note KEYS 2 k l ARGS 1 5".split()
    clients = [server.redis(db=number) for number in (0, 1)]
    for client in clients:
        save(client)
        assert client.execute_command(*words) == [b"OK"]
        assert client.get("k") == b"5" and client.lrange("l", 0, -1) == [b"5"]


COMMANDS = """append t x|decr n|decrby n 2|del none|echo x|exists t|expire n 100|get t|getdel none|
getset t y|incr n|incrby n 2|mget t n|mset t x n 1|ping|set t x|setnx t x|strlen t|
ttl t|type t|hset h a 1|hexists h a|hget h a|hgetall h|hincrby h a 2|hkeys h|hlen h|hmget h a b|
hvals h|hdel h a|rpush l a b|lpush l c|lindex l 0|llen l|lrange l 0 -1|lpop l|rpop l|sadd s2 a|
scard s2|sismember s2 a|smembers s2|srem s2 a|ai.tensorset v FLOAT 2 VALUES 1 2|
ai.tensorget v VALUES"""
REPLIES = """
def f(tensors: List[Tensor], keys: List[str], args: List[str]):
    redis.asList(redis.execute(args[0], args[1:]))
"""


def test_each_command_a_script_may_run_works(resp2):
    save(resp2, "c", entries=("f",), source=REPLIES)
    lines = [line.strip().split() for line in COMMANDS.split("|")]
    for words in lines:
        reply = resp2.execute_command("AI.SCRIPTEXECUTE", "c", "f", "INPUTS", 0, "ARGS", len(words),
                                      *words)
        assert reply == b"OK", words
    assert {words[0] for words in lines} == ai_script_host.COMMANDS


def test_the_page_lists_the_commands(request):
    page = (request.config.rootpath / "docs/ai.md").read_text()
    listed = page.partition("runs one of\n\n")[2].partition("\n\n")[0].lower().split()
    assert listed == sorted(ai_script_host.COMMANDS)
