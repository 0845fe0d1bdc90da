"""``respnet show``: what a saved network is, or one that lives in a server."""

import json
from collections import Counter
from pathlib import Path

from .cli_errors import CliError

SUMMARY = "describe a saved network, or a key of a server"
EXAMPLE = "respnet show rings.respnet"


def add(parser) -> None:
    parser.add_argument("what", metavar="FILE|KEY", help="a file, or with --server a key")
    parser.add_argument("--server", metavar="HOST:PORT", help="look at a key of this server")
    parser.add_argument("--json", action="store_true", help="one JSON object for scripts")


def run(args) -> int:
    found = of_server(args.server, args.what) if args.server else of_file(args.what)
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    for name, value in found.items():
        print(f"{name:26} {value}")
    return 0


def of_file(path: str) -> dict:
    from respnet.engine.errors import FileError
    from respnet.engine.storage import load

    from .network import Network

    if not Path(path).is_file():
        raise CliError(f"{path}: there is no such file; for a key of a server add --server")
    if path.lower().endswith(".onnx"):
        return of_onnx(path)
    try:
        saved = load(path)
        net = Network.load(path)
    except FileError as problem:
        raise CliError(str(problem)) from None
    return {
        "network": graph(saved.spec),
        "parameters": net.parameters,
        "loss": losses(saved.spec),
        "numbers": saved.spec.dtype,
        "seed": saved.spec.seed,
        "written by": f"respnet {saved.version}",
        **net.info(),
    }


def of_onnx(path: str) -> dict:
    from respnet.engine.errors import EngineError
    from respnet.engine.onnx import Graph
    from respnet.engine.onnx.translate import NotPlain, to_spec

    try:
        made = Graph.load(path)
        try:
            network = graph(to_spec(made)[0])
        except NotPlain as reason:
            network = f"no plain network: {reason}"
    except EngineError as problem:
        raise CliError(f"{path}: {problem}") from None
    counts = Counter(node.kind for node in made.net.nodes)
    return {
        "network": network,
        "numbers in constants": sum(a.size for a in made.net.constants.values()),
        "inputs": ", ".join(f"{s.name} {s.dtype} {s.shape}" for s in made.inputs),
        "outputs": ", ".join(f"{s.name} {s.dtype} {s.shape}" for s in made.outputs),
        "operators": ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())),
        "written by": f"{made.net.producer or 'unknown'}, opset {made.net.opset}",
    }


def losses(spec) -> str:
    """The loss, or each with its output and weight."""
    if isinstance(spec.loss, str):
        return spec.loss
    return ", ".join(f"{term.weight:g} {term.loss} of {term.output}" for term in spec.terms)


def graph(spec) -> str:
    """A chain as one line: ``2 -> dense 20 tanh -> dense 3 softmax``."""
    words = ["x".join(map(str, shape)) for _, shape in spec.inputs]
    for node in spec.nodes:
        shown = {k: v for k, v in node.config.items() if not k.endswith("_initializer")}
        flags = [k for k, v in shown.items() if v is True]
        others = [str(v) for v in shown.values() if not isinstance(v, bool)]
        words.append(" ".join([node.kind, *others, *flags]))
    return " -> ".join(words)


def of_server(server: str, key: str) -> dict:
    from .client import connect
    from .extras import need

    errors = need("redis.exceptions", "client")
    try:
        with connect(server if "://" in server else f"redis://{server}") as client:
            info = client.network(key).info()
    except (errors.RedisError, ValueError) as problem:
        raise CliError(f"{server}: {key}: {problem}") from None
    return {"network": "-".join(map(str, info["layout"])), **info}
