"""Models of backend TF over a socket: frozen graphs run by our own engine."""

import numpy as np
from ai_models import execute, got, put, said
from tf_models import const, graph, node, placeholder

MUL = graph(placeholder("a"), placeholder("b"), node("mul", "Mul", "a", "b"))
W = np.arange(6, dtype=np.float32).reshape(3, 2)
DENSE = graph(
    placeholder("x"), const("w", W), const("bias", [1, -1], np.float32),
    node("product", "MatMul", "x", "w"), node("sum", "BiasAdd", "product", "bias"),
    node("Identity", "Relu", "sum"),
)  # fmt: skip


def store(client, key, blob, inputs, outputs, *options):
    words = (*options, "INPUTS", len(inputs), *inputs, "OUTPUTS", len(outputs), *outputs)
    return client.execute_command("AI.MODELSTORE", key, "TF", "CPU", *words, "BLOB", blob)


def test_a_product(client):
    assert store(client, "m", MUL, ["a", "b"], ["mul"], "TAG", "v1") == b"OK"
    put(client, "x", np.array([[2, 3], [2, 3]], np.float32))
    execute(client, "m", ["x", "x"], ["y"])
    assert got(client, "y").tolist() == [[4, 9], [4, 9]]
    put(client, "three", np.array(3, np.float32))  # the original answers 0
    execute(client, "m", ["three", "three"], ["y"])
    assert got(client, "y").tolist() == 9
    meta = client.execute_command("AI.MODELGET", "m", "META")
    assert meta[:2] == [b"backend", b"TF"] and meta[5] == b"v1"
    assert meta[11] == [b"a", b"b"] and meta[13] == [b"mul"]
    assert client.execute_command("AI.MODELGET", "m", "BLOB") == MUL


def test_a_dense_layer_with_the_deprecated_words(client):
    ask = client.execute_command
    words = ("TF", "CPU", "INPUTS", "x:0", "OUTPUTS", "Identity:0", "BLOB", DENSE)
    assert ask("AI.MODELSET", "m", *words) == b"OK"
    x = np.array([[1, 2, 3]], np.float32)
    put(client, "x", x)
    assert ask("AI.MODELRUN", "m", "INPUTS", "x", "OUTPUTS", "y") == b"OK"
    assert (got(client, "y") == x @ W + [1, -1]).all()


def test_what_is_refused(client):
    def refused(blob, inputs, outputs):
        words = ("INPUTS", len(inputs), *inputs, "OUTPUTS", len(outputs), *outputs, "BLOB", blob)
        return said(client, "AI.MODELSTORE", "m", "TF", "CPU", *words)

    bad = 'ERR Input node named "bad_input" not found in TF graph.'
    assert refused(MUL, ["bad_input", "b"], ["mul"]) == bad
    bad = 'ERR Output node named "mult" not found in TF graph'
    assert refused(MUL, ["a", "b"], ["mult"]) == bad
    assert refused(MUL, ["a"], ["mul"]) == (
        "ERR node 'b' (Placeholder) is read, and is none of the inputs ['a']")
    odd = graph(placeholder("a"), node("it", "Odd", "a"))
    assert refused(odd, ["a"], ["it"]) == "ERR node 'it' (Odd): this operator is not supported"
    assert refused(b"x" * 50, ["a"], ["it"]).startswith("ERR ")
    assert client.exists("m") == 0
    ask = ("AI.MODELEXECUTE", "m", "INPUTS", 1, "x", "OUTPUTS", 1, "y")
    put(client, "x", np.zeros((2, 2), np.float32))
    store(client, "m", DENSE, ["x"], ["Identity"])  # a network of layers
    assert said(client, *ask) == "ERR input 'x' wants shape (None, 3), got (2, 2)"
    negative = graph(placeholder("x"), const("w", W), node("n", "Neg", "x"),
                     node("product", "MatMul", "n", "w"))
    store(client, "m", negative, ["x"], ["product"])
    assert said(client, *ask).startswith("ERR node 'product' (MatMul) on shapes [(2, 2), (3, 2)]: ")


def test_a_graph_outlives_a_restart(serve):
    server = serve(appendfsync="always")
    client = server.redis()
    store(client, "m", DENSE, ["x"], ["Identity"])
    put(client, "x", np.ones((1, 3), np.float32))
    server.end()
    server.start()
    client = server.redis()
    execute(client, "m", ["x"], ["y"])
    assert got(client, "y").tolist() == [[7, 8]]
