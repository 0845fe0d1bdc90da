"""AI.* over loopback from raw sockets: tensors, models, and the DAG of aibench's fraud model.

Beside it redis-server's SET and GET of as many bytes, which is what a server without models does;
SET also with its append-only file (everysec), and TENSORSET without a commit to wait for.
One client shows what a request takes; sixteen, what the server can do.
"""

import functools
from contextlib import ExitStack

import numpy as np

from respnet.engine import Model, ModelSpec, storage

from ..closed_loop import ClosedLoop
from ..harness import Bar, Contest, Disagreement, Skipped
from ..peers import servers

TITLE = "AI commands over loopback, raw sockets"
RATE = "requests_per_s"
FRAUD = (30, 18, 27, 40, 2)
REDIS = "redis-server"
ROWS = np.random.default_rng(1)
BLOB = ROWS.normal(size=256).astype("<f4").tobytes()
TENSORSET = ["AI.TENSORSET", "t", "FLOAT", 1, 256, "BLOB", BLOB]
TRANSACTION = [f"{value:.6g}" for value in ROWS.normal(size=FRAUD[0])]
DAG = "DAG fraud"
AOF, OFF = f"{REDIS}, append-only file", "respnet, appendfsync off"
SERVERS = {REDIS: servers.redis_server, "respnet": servers.respnet_server,
           AOF: functools.partial(servers.redis_server, "--appendonly", "yes"),
           OFF: functools.partial(servers.respnet_server, "off")}
BARS = {
    1: (Bar(at_most=120, metric="p50_us", side=DAG),),
    16: (Bar(at_least=25_000, metric=RATE, side=DAG),
         Bar(at_most=700, metric="p50_us", side=DAG)),
}


def contests(quick):
    with ExitStack() as stack:
        started, skipped = {}, {}
        for name, make in SERVERS.items():
            try:
                started[name] = stack.enter_context(make())
            except Skipped as reason:
                skipped[name] = str(reason)
        client = started["respnet"].client()
        prepare(client)
        for clients, bars in BARS.items():
            loads = {title: ClosedLoop(started[name], clients, request)
                     for title, (name, request) in requests().items() if name in started}
            yield Contest(f"{clients} clients", loads, functools.partial(verify, client), bars,
                          skipped, RATE, f"{REDIS} GET" if REDIS in started else DAG)


def requests():
    """Side -> (server, request)"""
    found = {
        f"{REDIS} SET": (REDIS, ["SET", "k", BLOB]),
        f"{REDIS} SET, AOF": (AOF, ["SET", "k", BLOB]),
        f"{REDIS} GET": (REDIS, ["GET", "k"]),
        "TENSORSET 1x256 BLOB": ("respnet", TENSORSET),
        "TENSORSET, appendfsync off": (OFF, TENSORSET),
        "TENSORGET 1x256 BLOB": ("respnet", ["AI.TENSORGET", "t", "BLOB"]),
        "TENSORSET 1x30 VALUES": ("respnet", transaction("x")),
        DAG: ("respnet", dag()),
    }
    for key in ("small", "fraud", "linear", "mnist"):
        words = ["AI.MODELEXECUTE", key, "INPUTS", 1, f"in:{key}", "OUTPUTS", 1, f"out:{key}"]
        found[f"MODELEXECUTE {key}"] = ("respnet", words)
    return found


def transaction(key):
    return ["AI.TENSORSET", key, "FLOAT", 1, FRAUD[0], "VALUES", *TRANSACTION]


def dag():
    return ["AI.DAGEXECUTE", "ROUTING", "fraud", "|>", *transaction("x"), "|>", "AI.MODELEXECUTE",
            "fraud", "INPUTS", 1, "x", "OUTPUTS", 1, "y", "|>", "AI.TENSORGET", "y", "VALUES"]


@functools.cache
def fraud():
    return Model(ModelSpec.dense(FRAUD, role="classifier", hidden="sigmoid", seed=1))


def prepare(client):
    """Models and their inputs."""
    nets = {"fraud": fraud(), "small": Model(ModelSpec.dense((9, 15, 2), role="regressor",
                                                             hidden="tanh", seed=1))}
    for key, net in nets.items():
        saved = storage.Saved(net.spec, {"weights": net.weights.vector})
        store(client, key, "RESPNET", storage.to_bytes(saved), (1, net.spec.inputs[0][1][0]))
    store(client, "linear", "ONNX", linear(), (1, 4))
    store(client, "mnist", "ONNX", mnist(), (1, 1, 28, 28))
    client.execute_command("AI.TENSORSET", "t", "FLOAT", 1, 256, "BLOB", BLOB)


def store(client, key, backend, blob, shape):
    client.execute_command("AI.MODELSTORE", key, backend, "CPU", "BLOB", blob)
    data = ROWS.normal(size=shape).astype("<f4").tobytes()
    client.execute_command("AI.TENSORSET", f"in:{key}", "FLOAT", *shape, "BLOB", data)


def linear():
    """A linear model (4) -> (1) as scikit-learn's converter would write it."""
    from onnx import TensorProto, helper

    node = helper.make_node("LinearRegressor", ["x"], ["y"], domain="ai.onnx.ml",
                            coefficients=[0.5, -1.0, 2.0, 0.1], intercepts=[0.3])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node], "linear", [x], [y])
    sets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def mnist():
    """Two convolutions as in the ONNX model zoo's mnist: 8 and 16 filters of 5x5, pooling, ten
    classes."""
    from onnx import TensorProto, helper, numpy_helper

    def weights(name, *shape):
        return numpy_helper.from_array(ROWS.normal(size=shape).astype("f4"), name)

    def convolve(source, number, size):
        kernel = {"kernel_shape": [5, 5], "auto_pad": "SAME_UPPER"}
        return [
            helper.make_node("Conv", [source, f"k{number}", f"b{number}"], [f"c{number}"],
                             **kernel),
            helper.make_node("Relu", [f"c{number}"], [f"r{number}"]),
            helper.make_node("MaxPool", [f"r{number}"], [f"p{number}"], kernel_shape=[size, size],
                             strides=[size, size]),
        ]

    nodes = [*convolve("x", 1, 2), *convolve("p1", 2, 3),
             helper.make_node("Flatten", ["p2"], ["f"]),
             helper.make_node("Gemm", ["f", "w", "b"], ["y"])]
    values = [weights("k1", 8, 1, 5, 5), weights("b1", 8), weights("k2", 16, 8, 5, 5),
              weights("b2", 16), weights("w", 256, 10), weights("b", 10)]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1, 28, 28])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 10])
    graph = helper.make_graph(nodes, "mnist", [x], [y], values)
    sets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString()


def verify(client):
    """The DAG gives what the engine gives."""
    told = np.array(client.execute_command(*dag())[2], float)
    wanted = fraud().predict(np.array([TRANSACTION], np.float32))[0]
    if not np.allclose(told, wanted, atol=1e-5):
        raise Disagreement(f"{DAG}: got {told}, wanted {wanted}")
    return "Checked: the DAG answers the numbers of the engine."
