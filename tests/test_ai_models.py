"""AI.MODELSTORE, MODELSET, MODELGET, MODELDEL, _MODELSCAN, INFO, CONFIG over a socket."""

import signal

import numpy as np
import pytest
from ai_models import WRONGTYPE, blob_of, execute, figures, got, network, put, said, store

from respnet.redisproto.ai_model import ModelValue, Options
from respnet.redisproto.errors import CommandError

NET = network()
BLOB = blob_of(NET)
ROW = np.array([[0.5, -1, 2]], np.float32)
TF = ("m", "TF", "CPU")


def test_what_was_stored_comes_back(client):
    store(client, "m", NET, "TAG", "v:1", "BATCHSIZE", 4, "MINBATCHSIZE", 2, "MINBATCHTIMEOUT", 9)
    meta = [b"backend", b"RESPNET", b"device", b"CPU", b"tag", b"v:1", b"batchsize", 4,
            b"minbatchsize", 2, b"inputs", [b"input"], b"outputs", [b"dense_1"],
            b"minbatchtimeout", 9]
    ask = client.execute_command
    assert ask("AI.MODELGET", "m", "META") == meta
    assert ask("AI.MODELGET", "m", "blob") == BLOB
    for words in ((), ("BLOB", "META"), ("what", "else")):
        assert ask("AI.MODELGET", "m", *words) == [*meta, b"blob", BLOB]
    assert ask("AI.MODELGET", "m", "SIGNATURE") == [
        b"inputs", [[b"input", b"FLOAT", [-1, 3]]], b"outputs", [[b"dense_1", b"FLOAT", [-1, 2]]]]
    assert client.type("m") == b"AI__MODEL"
    assert client.memory_usage("m") > len(BLOB)
    assert said(client, "COPY", "m", "n") == "ERR not supported for this module key"


def test_a_blob_in_pieces_and_out_in_chunks(client):
    ask = client.execute_command
    pieces = [BLOB[at : at + 100] for at in range(0, len(BLOB), 100)]
    assert ask("AI.MODELSTORE", "m", "respnet", "cpu:1", "BLOB", *pieces) == b"OK"
    assert ask("AI.MODELGET", "m", "META")[:4] == [b"backend", b"RESPNET", b"device", b"cpu:1"]
    assert ask("AI.CONFIG", "GET", "MODEL_CHUNK_SIZE") == 535822336
    assert ask("AI.CONFIG", "MODEL_CHUNK_SIZE", 100) == b"OK"
    try:
        chunks = ask("AI.MODELGET", "m", "BLOB")
        assert len(chunks) == len(BLOB) // 100 + 1 and b"".join(chunks) == BLOB
        assert ask("AI.MODELGET", "m")[-1] == chunks
    finally:
        ask("AI.CONFIG", "MODEL_CHUNK_SIZE", 535822336)


STORE_ERRORS = [
    (("m", "FOO", "CPU", "BLOB", "x"), "ERR unsupported backend"),
    (("m", "RESPNET", "XPU", "BLOB", "x"), "ERR Invalid DEVICE"),
    (("m", "RESPNET", "CPU:a", "BLOB", "x"), "ERR Invalid DEVICE"),
    (("m", "RESPNET", "CPU:123456", "BLOB", "x"), "ERR Invalid DEVICE"),
    (("m", "RESPNET", "CPU", "BATCHSIZE", "a", "BLOB", "x"), "ERR Invalid argument for BATCHSIZE"),
    (("m", "RESPNET", "CPU", "BATCHSIZE", "-1", "BLOB", "x"), "ERR Invalid argument for BATCHSIZE"),
    (("m", "RESPNET", "CPU", "MINBATCHSIZE", 2, "BLOB", "x"),
     "ERR MINBATCHSIZE specified without BATCHSIZE"),
    (("m", "RESPNET", "CPU", "BATCHSIZE", 2, "MINBATCHSIZE", "a", "BLOB", "x"),
     "ERR Invalid argument for MINBATCHSIZE"),
    (("m", "RESPNET", "CPU", "BATCHSIZE", 2, "MINBATCHTIMEOUT", 5, "BLOB", "x"),
     "ERR MINBATCHTIMEOUT specified without MINBATCHSIZE"),
    (("m", "RESPNET", "CPU", "BATCHSIZE", 2, "MINBATCHSIZE", 2, "MINBATCHTIMEOUT", "a", "BLOB"),
     "ERR Invalid argument for MINBATCHTIMEOUT"),
    (("m", "RESPNET", "CPU", "INPUTS", 1, "a", "BLOB", "x"),
     "ERR INPUTS argument should not be specified for this backend"),
    (("m", "RESPNET", "CPU", "OUTPUTS", 1, "a", "BLOB", "x"),
     "ERR OUTPUTS argument should not be specified for this backend"),
    ((*TF, "BLOB", "x"), "ERR INPUTS not specified for TF"),
    ((*TF, "INPUTS", "a", "BLOB"), "ERR Invalid argument for input_count"),
    ((*TF, "INPUTS", 9, "a", "BLOB"),
     "ERR number of model inputs does not match the number of given arguments"),
    ((*TF, "INPUTS", 1, "a", "BLOB", "x"), "ERR OUTPUTS not specified for TF"),
    ((*TF, "INPUTS", 1, "a", "OUTPUTS", "b"), "ERR Invalid argument for output_count"),
    ((*TF, "INPUTS", 1, "a", "OUTPUTS", 9, "b"),
     "ERR number of model outputs does not match the number of given arguments"),
    (("m", "RESPNET", "CPU", "TAG", "t"), "ERR Insufficient arguments, missing model BLOB"),
    (("m", "RESPNET", "CPU", "TAG", "t", "BLOB"), "ERR Insufficient arguments, missing model BLOB"),
    (("m", "RESPNET", "CPU", "FOO", "t"), "ERR Invalid argument, expected BLOB"),
    (("m", "TORCH", "CPU", "BLOB", "x"), "ERR Could not load backend"),
    (("m", "TFLITE", "CPU", "BLOB", "x"), "ERR Could not load backend"),
    (("m", "RESPNET", "GPU", "BLOB", BLOB),
     "ERR GPU requested but the GPU executor is not available"),
    (("m", "ONNX", "gpu:0", "BLOB", "x"), "ERR GPU requested but ONNX couldn't find CUDA"),
    (("m", "RESPNET", "CPU", "BLOB", ""), "ERR the bytes are not a network file"),
    (("m", "RESPNET", "CPU", "BLOB", BLOB[:500]), "ERR the bytes are not a network file"),
    (("m", "RESPNET", "CPU", "BLOB", BLOB[:-4]),
     "ERR the bytes are not a network file (a tensor of shape (26,) has 104 bytes)"),
    (("m", "RESPNET", "CPU", "BLOB", b"\x02" + bytes(7) + b"{}"),
     "ERR the bytes: format None, this version reads 1"),
]


@pytest.mark.parametrize(("words", "text"), STORE_ERRORS)
def test_a_model_that_is_not_stored(resp2, words, text):
    assert said(resp2, "AI.MODELSTORE", *words) == text
    assert resp2.exists("m") == 0


def test_the_older_form(resp2):
    ask = resp2.execute_command
    assert ask("AI.MODELSET", "m", "RESPNET", "CPU", "TAG", "t", "BATCHSIZE", 2, "BLOB",
               BLOB) == b"OK"
    assert ask("AI.MODELGET", "m", "META")[4:8] == [b"tag", b"t", b"batchsize", 2]
    for words, text in [
        (("RESPNET", "CPU"), "ERR Insufficient arguments, missing model BLOB"),
        (("TF", "CPU", "BLOB", "x"), "ERR INPUTS not specified for TF"),
        (("TF", "CPU", "INPUTS", "a", "BLOB", "x"), "ERR OUTPUTS not specified for TF"),
        (("FOO", "CPU"), "ERR unsupported backend"),
    ]:
        assert said(resp2, "AI.MODELSET", "n", *words) == text


def test_keys_of_other_types(resp2):
    resp2.set("s", "x")
    put(resp2, "t", ROW)
    for key in ("s", "t"):
        words = (key, "RESPNET", "CPU", "BLOB", BLOB)
        assert said(resp2, "AI.MODELSTORE", *words) == WRONGTYPE
        assert said(resp2, "AI.MODELGET", key) == WRONGTYPE
        assert said(resp2, "AI.MODELDEL", key) == WRONGTYPE
        assert said(resp2, "AI.MODELEXECUTE", key, "INPUTS", 1, "t", "OUTPUTS", 1, "y") == WRONGTYPE
    assert resp2.get("s") == b"x" and resp2.type("t") == b"AI_TENSOR"
    empty = "ERR model key is empty"
    assert said(resp2, "AI.MODELGET", "no") == said(resp2, "AI.MODELDEL", "no") == empty


def test_scan_and_delete(resp2):
    for name in ("b", "a"):
        store(resp2, name, NET, "TAG", name * 2)
    resp2.execute_command("NR.CREATE", "net", "REGRESSOR", 2, "->", 1)
    assert resp2.execute_command("AI._MODELSCAN") == [[b"a", b"aa"], [b"b", b"bb"]]
    assert resp2.execute_command("AI.MODELDEL", "a") == b"OK"
    assert resp2.exists("a") == 0
    assert resp2.execute_command("AI._MODELSCAN") == [[b"b", b"bb"]]


def test_a_transaction_stores_at_once(resp2):
    pipe = resp2.pipeline(transaction=True)
    pipe.execute_command("AI.MODELSTORE", "m", "RESPNET", "CPU", "BLOB", BLOB)
    pipe.execute_command("AI.MODELGET", "m", "BLOB")
    assert pipe.execute() == [b"OK", BLOB]


def test_models_are_there_after_a_kill(serve):
    server = serve(appendfsync="always")
    client = server.redis(protocol=2)
    wide = network(300, 1000, 300)  # more than one part of the store
    store(client, "m", wide, "TAG", "t", "BATCHSIZE", 3, device="CPU:1")
    row = np.ones((2, 300), np.float32)
    put(client, "x", row)
    assert execute(client, "m", ["x"], ["y"]) == b"OK"
    before = client.execute_command("AI.MODELGET", "m"), got(client, "y")
    server.end(signal.SIGKILL)
    server.start()
    assert client.execute_command("AI.MODELGET", "m") == before[0]
    assert client.memory_usage("m") > 2_000_000
    assert np.array_equal(got(client, "y"), before[1])
    client.delete("y")
    assert execute(client, "m", ["x"], ["y"]) == b"OK"
    assert np.array_equal(got(client, "y"), before[1])
    assert figures(client, "m")["calls"] == 1


def test_info_counts_by_the_name_at_creation(resp2):
    store(resp2, "m", NET, "TAG", "t")
    put(resp2, "x", np.repeat(ROW, 3, axis=0))
    for _ in range(2):
        execute(resp2, "m", ["x"], ["y"])
    found = figures(resp2, "m")
    assert found.pop("duration") > 0
    expected = {"key": b"m", "type": b"MODEL", "backend": b"RESPNET", "device": b"CPU",
                "tag": b"t", "samples": 6, "calls": 2, "errors": 0}
    assert found == expected
    put(resp2, "bad", np.ones((1, 4), np.float32))
    assert said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "bad", "OUTPUTS", 1, "y")
    found = figures(resp2, "m")
    assert (found["calls"], found["errors"], found["samples"]) == (3, 1, 6)
    resp2.rename("m", "n")
    execute(resp2, "n", ["x"], ["y"])
    assert figures(resp2, "m")["calls"] == 4
    assert said(resp2, "AI.INFO", "n") == "ERR cannot find run info for key"
    assert resp2.execute_command("AI.INFO", "m", "resetstat") == b"OK"
    assert figures(resp2, "m")["calls"] == figures(resp2, "m")["duration"] == 0
    resp2.delete("n")
    assert said(resp2, "AI.INFO", "m") == "ERR cannot find run info for key"


def test_info_begins_anew_with_another_model(resp2):
    store(resp2, "m", NET)
    put(resp2, "x", ROW)
    execute(resp2, "m", ["x"], ["y"])
    store(resp2, "m", NET)
    assert figures(resp2, "m")["calls"] == 0
    assert said(resp2, "AI.INFO", "m", "WHAT") == "ERR unsupported subcommand"


def test_config(resp2):
    ask = resp2.execute_command
    assert ask("AI.CONFIG", "GET", "BACKENDSPATH") is None
    assert ask("AI.CONFIG", "BACKENDSPATH", "/tmp") == b"OK"
    assert ask("AI.CONFIG", "GET", "BACKENDSPATH") == b"/tmp"
    assert ask("AI.CONFIG", "GET", "WHAT") is None
    for words, text in [
        (("LOADBACKEND", "TF", "/tmp/x.so"), "ERR error loading backend"),
        (("LOADBACKEND",), "ERR error loading backend"),
        (("BACKENDSPATH",), "ERR BACKENDSPATH: missing path argument"),
        (("MODEL_CHUNK_SIZE",), "ERR MODEL_CHUNK_SIZE: missing chunk size"),
        (("MODEL_CHUNK_SIZE", "x"), "ERR MODEL_CHUNK_SIZE: invalid chunk size"),
        (("MODEL_CHUNK_SIZE", 0), "ERR MODEL_CHUNK_SIZE: invalid chunk size"),
        (("WHAT",), "ERR unsupported subcommand"),
    ]:
        assert said(resp2, "AI.CONFIG", *words) == text


def test_info_modules_and_module_list(server):
    client = server.redis(protocol=2)
    store(client, "m", NET)
    text = server.connect().ask(b"*2\r\n$4\r\nINFO\r\n$7\r\nmodules\r\n")[0].decode()
    titles = [line for line in text.split("\r\n") if line.startswith("# ")]
    assert titles == ["# Modules", "# ai_versions", "# ai_git", "# ai_load_time_configs",
                      "# ai_backends_info", "# ai_cpu"]
    assert "ai_RedisAI_version:1.2.7\r\n" in text and "ai_threads_per_queue:1\r\n" in text
    assert "ai_TensorFlow_version:" in text and "ai_onnxruntime_version:" in text
    assert "ai_children_used_cpu_sys:0.0" in text
    plain = server.connect().ask(b"*1\r\n$4\r\nINFO\r\n")[0].decode()
    assert "ai_versions" not in plain
    words = server.connect().ask(b"*2\r\n$6\r\nMODULE\r\n$4\r\nLIST\r\n")[0]
    assert [b"name", b"ai", b"ver", 10207] in words


def test_a_blob_of_too_many_chunks_is_refused(resp2):
    store(resp2, "m", network(300, 300, 300))
    resp2.execute_command("AI.CONFIG", "MODEL_CHUNK_SIZE", 1)
    try:
        error = said(resp2, "AI.MODELGET", "m", "BLOB")
    finally:
        resp2.execute_command("AI.CONFIG", "MODEL_CHUNK_SIZE", 535822336)
    assert error.startswith("ERR the blob has ")
    assert error.endswith(" bytes, too many for chunks of 1: a reply has at most 65536")


def test_a_network_of_nr_is_a_model(resp2):
    ask = resp2.execute_command
    ask("NR.CREATE", "net", "REGRESSOR", 3, 4, "->", 2)
    put(resp2, "x", ROW)
    assert execute(resp2, "net", ["x"], ["y"]) == b"OK"
    wanted = [float(one) for one in ask("NR.RUN", "net", *ROW[0].tolist())]
    assert np.allclose(got(resp2, "y")[0], wanted, atol=1e-6)
    meta = ask("AI.MODELGET", "net", "META")
    assert meta[:4] == [b"backend", b"RESPNET", b"device", b"CPU"]
    words = ("RESPNET", "CPU", "BLOB", ask("AI.MODELGET", "net", "BLOB"))
    assert ask("AI.MODELSTORE", "copy", *words) == b"OK"
    execute(resp2, "copy", ["x"], ["z"])
    assert np.array_equal(got(resp2, "y"), got(resp2, "z"))
    assert figures(resp2, "net")["calls"] == 1
    assert said(resp2, "AI.MODELDEL", "net") == WRONGTYPE


def spec_bytes(spec, size):
    """A file of this description and so many weights."""
    from respnet.engine import storage

    return storage.to_bytes(storage.Saved(spec, {"weights": np.zeros(size, "f4")}))


@pytest.mark.parametrize(("node", "shape", "size", "text"), [
    (("repeat_vector", {"n": 10**9}), (3,), 0,
     "ERR the layers give 12000000012 bytes for one row, the limit is 134217728"),
    (("dense", {"units": 10**9}), (3,), 4,
     "ERR the bytes: impossible network (a model has at most 50000000 parameters)"),
    (("dense", {"units": 10}), (3,), 4,
     "ERR the bytes: weights must be float32 (40,), got float32 (4,)"),
    (("python", {"class": "Own", "config": {}}), (3,), 0, "ERR "),
])
def test_a_description_that_asks_for_too_much(resp2, node, shape, size, text):
    from respnet.engine.spec import ModelSpec, Node

    kind, config = node
    spec = ModelSpec((Node("it", kind, ("x",), config),), (("x", shape),), ("it",))
    error = said(resp2, "AI.MODELSTORE", "m", "RESPNET", "CPU", "BLOB", spec_bytes(spec, size))
    assert error == text or text == "ERR " and "class" not in error.split("(")[0]
    assert resp2.exists("m") == 0 and resp2.ping()


def test_a_model_whose_outputs_are_no_tensor_any_more_is_refused(resp2):
    from respnet.engine.spec import ModelSpec, Node

    node = Node("it", "repeat_vector", ("x",), {"n": 10**6})
    spec = ModelSpec((node,), (("x", (3,)),), ("it",))
    words = ("RESPNET", "CPU", "BLOB", spec_bytes(spec, 0))
    assert resp2.execute_command("AI.MODELSTORE", "m", *words) == b"OK"
    put(resp2, "x", np.ones((100, 3), "f4"))
    assert said(resp2, "AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y") == (
        "ERR 100 outputs of shape (1000000, 3) are larger than 536870912 bytes")


def test_a_stored_model_that_cannot_be_loaded_any_more(caplog):
    """A file of another version, say: the run is answered, the log says it."""
    options = Options("RESPNET", "CPU")
    head, parts = ModelValue.build(options, [BLOB], 5).dump()
    value = ModelValue.load(head, [b"other" + parts[0][5:]])
    assert [slot.name for slot in value.inputs] == ["input"] and value.loaded is None
    with pytest.raises(CommandError, match="ERR the bytes are not a network file"):
        value.ready(5)
    assert "a stored RESPNET model cannot be loaded" in caplog.text
    for wrong in (b"{", b"{}", b'{"format": 2}', b"[]", head.replace(b'"tag"', b'"tug"')):
        with pytest.raises(ValueError, match="."):
            ModelValue.load(wrong, parts)
