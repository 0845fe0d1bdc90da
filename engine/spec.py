"""What a model is: plain, frozen data.

A spec is a graph of named nodes; a chain of layers is its simplest case. A node names its kind (a
layer of ``engine/layers``), the nodes it reads, and its configuration. Specs go to plain data and
back unchanged (``to_dict``, ``from_dict``), so a spec is also the wire and file format.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from respnet.engine.dtypes import float_dtype
from respnet.engine.errors import SpecError

FORMAT = 1
ROLES = ("classifier", "regressor", "model")
MAX_NODES = 1024
MAX_PARAMETERS = 50_000_000


def output_names(node: str, count: int) -> list[str]:
    """What the outputs of a node are called: ``name``, then ``name:1``, ``name:2`` ..."""
    return [f"{node}:{i}" if i else node for i in range(count)]


def node_of(name: str) -> str:
    """The node (or input) that an output name belongs to."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Node:
    """One layer of the graph: ``kind`` applied to the outputs of ``inputs``.

    weights: an earlier node of the same kind whose parameters this one uses too. trainable: whether
    training changes its parameters (those of the node that owns them decide).
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    config: Mapping = field(default_factory=dict)
    weights: str | None = None
    trainable: bool = True

    def __post_init__(self):
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))

    def to_dict(self) -> dict:
        return {
            "name": self.name,
            "kind": self.kind,
            "inputs": list(self.inputs),
            "config": dict(self.config),
            **({"weights": self.weights} if self.weights else {}),
            **({} if self.trainable else {"trainable": False}),
        }


@dataclass(frozen=True)
class LossTerm:
    """One loss of a model: ``loss`` (a name of ``engine/losses.py``, and its options) of an
    output, and its weight in the total.
    """

    output: str
    loss: str
    options: Mapping = field(default_factory=dict)
    weight: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))
        object.__setattr__(self, "weight", float(self.weight))

    def to_dict(self) -> dict:
        return {
            "output": self.output,
            "loss": self.loss
            if isinstance(self.loss, str)
            else [term.to_dict() for term in self.loss],
            "options": dict(self.options),
            "weight": self.weight,
        }


@dataclass(frozen=True)
class ModelSpec:
    """A whole model.

    inputs: name -> shape of one row; outputs: names of nodes. loss: of the first output, by its
    name in ``engine/losses.py``; or the terms of a total, each of an output of its own. Outputs
    without a loss are only read. scaling: standardise the first input (and the targets of
    regressors) with constants kept beside the weights. seed: of the initial weights and of
    everything random in training.
    """

    nodes: tuple[Node, ...]
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    loss: str | tuple[LossTerm, ...] = "mse"
    role: str = "model"
    scaling: bool = False
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self):
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "inputs", tuple((n, tuple(s)) for n, s in self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        float_dtype(self.dtype)
        self._check_graph()
        if not isinstance(self.loss, str):
            object.__setattr__(self, "loss", self._checked_terms(tuple(self.loss)))

    @property
    def terms(self) -> tuple[LossTerm, ...]:
        """The losses, also where one name stands for the only one."""
        return (LossTerm(self.outputs[0], self.loss),) if isinstance(self.loss, str) else self.loss

    def _checked_terms(self, terms: tuple[LossTerm, ...]):
        """The terms, or the name that stands for them."""
        if not terms:
            raise SpecError("a model has at least one loss, got none")
        seen = set()
        for term in terms:
            if term.output not in self.outputs:
                raise SpecError(
                    f"loss {term.loss!r} is of {term.output!r}; outputs are "
                    f"{', '.join(self.outputs)}"
                )
            if term.output in seen:
                raise SpecError(f"output {term.output!r} has two losses")
            seen.add(term.output)
        return terms[0].loss if terms == (LossTerm(self.outputs[0], terms[0].loss),) else terms

    def _check_graph(self) -> None:
        if self.role not in ROLES:
            raise SpecError(f"role must be one of {', '.join(ROLES)}, got {self.role!r}")
        if not 0 < len(self.nodes) <= MAX_NODES:
            raise SpecError(f"a model has 1 to {MAX_NODES} layers, got {len(self.nodes)}")
        known = {name for name, _ in self.inputs}
        for node in self.nodes:
            missing = [name for name in node.inputs if node_of(name) not in known]
            if missing:
                raise SpecError(
                    f"layer {node.name!r} reads {missing[0]!r}, which comes later or never"
                )
            if node.name in known:
                raise SpecError(f"two layers are named {node.name!r}")
            known.add(node.name)
        for name in self.outputs:
            if node_of(name) not in known:
                raise SpecError(f"output {name!r} is no layer of the model")

    @classmethod
    def chain(cls, shape: tuple[int, ...], layers, **options) -> "ModelSpec":
        """A chain: ``layers`` are (kind, config) pairs, applied in order to rows of ``shape``."""
        nodes, previous = [], "input"
        for number, (kind, config) in enumerate(layers):
            nodes.append(Node(f"{kind}_{number}", kind, (previous,), config))
            previous = nodes[-1].name
        return cls(tuple(nodes), (("input", shape),), (previous,), **options)

    @classmethod
    def dense(
        cls,
        units,
        *,
        role: str,
        hidden: str = "tanh",
        output: str | None = None,
        loss: str | None = None,
        dropout: float = 0.0,
        initializer: str = "small_uniform",
        **options,
    ) -> "ModelSpec":
        """A dense net with ``units`` = (I, hidden..., O).

        Classifiers end in softmax and train on class numbers, regressors end linear and train on
        numbers, unless ``output`` and ``loss`` say otherwise.
        """
        if len(units) < 2 or any(not isinstance(n, int) or n < 1 for n in units):
            raise SpecError(f"units must be at least two positive integers, got {units!r}")
        output = output or ("softmax" if role == "classifier" else "linear")
        loss = loss or ("sparse_crossentropy" if role == "classifier" else "mse")
        layers, kernel = [], {"kernel_initializer": initializer}
        for width in units[1:-1]:
            layers.append(("dense", {"units": width, "activation": hidden, **kernel}))
            if dropout:
                layers.append(("dropout", {"rate": dropout}))
        layers.append(("dense", {"units": units[-1], "activation": output, **kernel}))
        return cls.chain((units[0],), layers, role=role, loss=loss, **options)

    def to_dict(self) -> dict:
        """Plain data (JSON): what ``from_dict`` reads."""
        return {
            "format": FORMAT,
            "nodes": [node.to_dict() for node in self.nodes],
            "inputs": [[name, list(shape)] for name, shape in self.inputs],
            "outputs": list(self.outputs),
            "loss": self.loss
            if isinstance(self.loss, str)
            else [term.to_dict() for term in self.loss],
            "role": self.role,
            "scaling": self.scaling,
            "dtype": self.dtype,
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, data: Mapping) -> "ModelSpec":
        """The spec that ``to_dict`` wrote; refuses formats it does not know."""
        if data.get("format") != FORMAT:
            raise SpecError(
                f"spec format {data.get('format')!r} is unknown; this version reads {FORMAT}"
            )
        plain = {k: v for k, v in data.items() if k not in ("format", "nodes", "inputs")}
        if not isinstance(plain["loss"], str):
            plain["loss"] = tuple(LossTerm(**term) for term in plain["loss"])
        return cls(
            nodes=tuple(Node(**node) for node in data["nodes"]),
            inputs=tuple((name, tuple(shape)) for name, shape in data["inputs"]),
            **plain,
        )
