"""Every parameter of a model in one flat vector, with named, shaped places in it.

First the trainable ones in the order of the nodes, then the constants: of frozen nodes, of layers,
of scaling. So an optimizer step, a save, a clone and a swap are one operation each.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from respnet.engine import initializers
from respnet.engine.errors import LimitError, SpecError
from respnet.engine.layers import Layer, make
from respnet.engine.spec import MAX_PARAMETERS, ModelSpec, output_names


@dataclass(frozen=True)
class Place:
    """Where a parameter lies in the flat vector."""

    name: str
    shape: tuple[int, ...]
    offset: int
    initializer: str

    @property
    def size(self) -> int:
        return prod(self.shape)


class Layout:
    """The layers of a spec, the shapes of their outputs, and the places of their parameters."""

    def __init__(self, spec: ModelSpec):
        self.layers: dict[str, Layer] = {}
        self.shapes: dict[str, tuple[int, ...]] = dict(spec.inputs)
        self.owners: dict[str, str] = {}
        wanted = []
        for node in spec.nodes:
            layer = make(node.kind, node.config, node.name)
            layer.trainable = node.trainable
            shapes = [self.shapes[name] for name in node.inputs]
            self.layers[node.name] = layer
            self.owners[node.name] = node.weights or node.name
            parameters = [(node.name, parameter) for parameter in layer.parameters(*shapes)]
            wanted += self._shared(node, parameters, wanted) if node.weights else parameters
            outputs = layer.output_shape(*shapes)
            outputs = outputs if isinstance(outputs, list) else [outputs]
            self.shapes.update(zip(output_names(node.name, len(outputs)), outputs, strict=True))
        self.places: dict[str, Place] = {}
        self.size = 0
        free, frozen, constant = [], [], []
        for node, p in wanted:
            kind = constant if not p.trainable else free if self.layers[node].trainable else frozen
            kind.append((f"{node}/{p.name}", p.shape, p.initializer))
        self._add(free)
        self.trainable = self.size
        self._add(frozen + constant)
        if spec.scaling:
            self._add(_scaling(spec, self.shapes))

    @staticmethod
    def _shared(node, parameters, before) -> list:
        """Nothing more, if the node named has the parameters this one wants."""
        have = {p.name: p.shape for name, p in before if name == node.weights}
        wants = {p.name: p.shape for _, p in parameters}
        if wants != have:
            raise SpecError(
                f"layer {node.name!r} shares weights of {node.weights!r}: wants {wants}, has {have}"
            )
        return []

    def _add(self, parameters) -> None:
        for name, shape, initializer in parameters:
            self.places[name] = Place(name, shape, self.size, initializer)
            self.size += prod(shape)
            if self.size > MAX_PARAMETERS:
                raise LimitError(f"a model has at most {MAX_PARAMETERS} parameters")

    def of(self, node: str) -> dict[str, Place]:
        """Parameters of one node by their short names."""
        prefix = f"{self.owners.get(node, node)}/"
        return {n[len(prefix) :]: p for n, p in self.places.items() if n.startswith(prefix)}

    def moved(self, vector: np.ndarray, before: "Layout") -> np.ndarray:
        """A vector of ``before``, which has the same parameters by name, in this order."""
        if self.places == before.places:
            return vector
        new = np.empty(self.size, vector.dtype)
        for name in self.places:
            self.view(new, name)[...] = before.view(vector, name)
        return new

    def view(self, vector: np.ndarray, name: str) -> np.ndarray:
        """The parameter ``name`` as a shaped view of the flat vector."""
        place = self.places[name]
        return vector[place.offset : place.offset + place.size].reshape(place.shape)

    def initial(self, dtype: np.dtype, seed: int) -> np.ndarray:
        """A new vector, drawn from ``seed``; the same for the same seed on every machine."""
        rng = np.random.default_rng(seed)
        vector = np.zeros(self.size, dtype)
        for name, place in self.places.items():
            self.view(vector, name)[...] = initializers.draw(place.initializer, place.shape, rng)
        return vector


def _scaling(spec: ModelSpec, shapes):
    """Constants that standardise: of each feature of the first input, and of the first output of a
    regressor. A feature is a place along the last axis: every step of a sequence has the same.
    """
    names = [spec.inputs[0][0]]
    names += spec.outputs[:1] if spec.role == "regressor" else ()
    return [
        (f"{name}/{part}", shapes[name][-1:], start)
        for name in names
        for part, start in (("scale", "ones"), ("offset", "zeros"))
    ]
