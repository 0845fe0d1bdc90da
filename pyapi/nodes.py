"""Models of specs that come without layers (from a server, from ONNX): each node is a layer."""

import numpy as np

from respnet.engine.errors import FileError
from respnet.engine.spec import ModelSpec

from .layers.base import Layer
from .layers.core import InputLayer


class SpecLayer(Layer):
    """A node of a spec as it is."""

    arguments = {"node_kind": None, "options": None}

    def config(self) -> dict:
        return dict(self.options)

    @property
    def kind(self) -> str:
        return self.node_kind


def of_spec(spec: ModelSpec, vector: np.ndarray):
    """A functional model with a layer for each node; ``vector``: the flat weights of ``spec``."""
    from .models import Model

    if spec.scaling:
        raise FileError("networks that scale their inputs are read by respnet.Network.load")
    symbols = {name: InputLayer(shape, name=name).output for name, shape in spec.inputs}
    inputs, layers = list(symbols.values()), {}
    for node in spec.nodes:
        layer = layers.get(node.weights) or SpecLayer(node.kind, node.config, name=node.name)
        layers[node.name] = layer
        results = layer([symbols[name] for name in node.inputs])
        for i, symbol in enumerate(results if isinstance(results, list) else [results]):
            symbols[f"{node.name}:{i}" if i else node.name] = symbol
    model = Model(inputs, [symbols[name] for name in spec.outputs], dtype=spec.dtype)
    put_named(model, spec, vector)
    return model


def put_named(model, spec: ModelSpec, vector: np.ndarray) -> None:
    """Weights of a flat vector of ``spec`` into a model whose nodes may be in another order."""
    from respnet.engine.params import Layout

    theirs, mine = Layout(spec), model.network.layout
    shapes = [{n: p.shape for n, p in layout.places.items()} for layout in (theirs, mine)]
    if shapes[0] != shapes[1]:
        raise FileError(f"weights {shapes[0]} do not fit the layers, which want {shapes[1]}")
    new = model.current_vector()
    for name in mine.places:
        mine.view(new, name)[...] = theirs.view(vector, name)
    model.put_vector(new)
