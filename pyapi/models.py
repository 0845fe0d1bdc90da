"""Sequential and functional models by the words of Keras, over one engine model.

    model = Sequential([Input((4,)), Dense(5, "relu"), Dense(3, "softmax")])
    x = Input((4,)); model = Model(x, Dense(3)(x))

What a model is stands in `Structure` (layers, weights, summary, files), how it learns in
``fit.py``.
"""

from dataclasses import replace

import numpy as np

from respnet.engine import Model as Network
from respnet.engine.spec import ModelSpec

from .arguments import unknown
from .connecting import Connectable
from .deploying import Deployable
from .fit import Trainable
from .formats import Savable, load_model
from .graph import Symbol, begins, calls_between, owned_nodes
from .layers.base import Layer, automatic_name
from .layers.core import InputLayer
from .lengths import Masked
from .nesting import Nested
from .placing import Placed
from .sharing import Sharing
from .states import States
from .subclassing import Traced
from .utils import next_seed


class Structure(Sharing, Nested, Savable, Deployable, Masked, Placed):
    """Layers and weights of a built model. ``network`` is the engine's model."""

    network: Network | None = None

    def _build(self, inputs: list[Symbol], outputs: list[Symbol]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._calls = calls_between(inputs, outputs)
        nodes, self._owned = owned_nodes(self._calls)
        self.states = States(self._calls)
        hidden = [s for s in begins(self._calls) if s.name in self.states.names]
        self._seed = next_seed()
        spec = ModelSpec(
            self.marked_nodes(nodes),
            tuple((s.name, s.shape[1:]) for s in (*inputs, *hidden)),
            (*(s.name for s in outputs), *self.states.sources),
            dtype=self.dtype,
            seed=self._seed,
        )
        self.network = self.placed(spec)
        self._join()
        self._start_weights()

    def marked_nodes(self, nodes) -> tuple:
        """The engine's nodes, those of leaves that are not trained marked as such."""
        frozen = {n for leaf in self.leaves() if not leaf.learns for n in self._owned.get(leaf, ())}
        return tuple(replace(node, trainable=node.name not in frozen) for node in nodes)

    def _all_layers(self) -> list[Layer]:
        """Every layer once, in the order of the graph, without the inputs of states."""
        return list(dict.fromkeys(call.layer for call in self._calls if not call.hidden))

    def leaves(self) -> list[Layer]:
        """The layers that own parameters, once each, in the order of the weights."""
        layers = self._all_layers() if self.built else self.layers
        return list(dict.fromkeys(leaf for layer in layers for leaf in layer.leaves()))

    def _start_weights(self) -> None:
        """Weights that layers bring along (Embedding(weights=[...]))."""
        for layer in self._all_layers():
            given = getattr(layer, "weights_given", None)
            if given is not None:
                layer.set_weights(given)

    # --- weights ----------------------------------------------------------------------------

    @property
    def built(self) -> bool:
        return self.network is not None

    def _need_built(self) -> Network:
        if self.network is None:
            raise ValueError(
                f"model {self.name} is not built: its input shape is not known. Begin with "
                "Input(shape=...), or call build(input_shape), fit or predict first"
            )
        return self.network

    def parameter_names(self, layer: Layer) -> list[str]:
        """The engine's names of a leaf's parameters, in the order of Keras."""
        places = self._need_built().layout.of
        return [f"{node}/{name}" for node in self._owned.get(layer, ()) for name in places(node)]

    @property
    def weights(self) -> list[str]:
        """Names of all parameters, in the order of ``get_weights``."""
        self._need_built()
        return [name for leaf in self.leaves() for name in self.parameter_names(leaf)]

    def weights_of(self, names) -> list[np.ndarray]:
        self.sync()
        return [np.array(self._need_built().view(name)) for name in names]

    def put_weights(self, names, arrays, owner: str) -> None:
        layout = self._need_built().layout
        names, arrays = list(names), list(arrays)
        if len(arrays) != len(names):
            raise ValueError(f"{owner} has {len(names)} weights, got {len(arrays)}")
        vector = self.current_vector()
        for name, array in zip(names, arrays, strict=True):
            array, shape = np.asarray(array), layout.places[name].shape
            if array.shape != shape:
                raise ValueError(f"{owner}: {name} has shape {shape}, got {array.shape}")
            layout.view(vector, name)[...] = array
        self.put_vector(vector)

    def get_weights(self) -> list[np.ndarray]:
        """All parameters, layer by layer, in the order of Keras."""
        return self.weights_of(self.weights)

    def set_weights(self, weights) -> None:
        self.put_weights(self.weights, weights, f"model {self.name}")

    def count_params(self) -> int:
        return self._need_built().layout.size

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of a name or number."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(unknown("layer", name, [layer.name for layer in self.layers]))

    @property
    def spec(self) -> ModelSpec:
        """The engine's description."""
        return self._need_built().spec

    # --- showing and keeping ----------------------------------------------------------------

    def __reduce__(self):
        """Pickled as what a file holds."""
        from .saving import contents, unpickled

        return unpickled, (self.spec.to_dict(), *contents(self))

    def summary(self, line_length=None, print_fn=None) -> None:
        """Layers, shapes and parameters as a table."""
        from .summary import show

        show(self, line_length, print_fn)


class Model(Structure, Trainable, Traced):
    """A functional model: everything between ``inputs`` and ``outputs``, one or several each.

    A subclass with a ``call`` makes them itself (``subclassing.py``).
    """

    def __init__(
        self, inputs=None, outputs=None, name=None, *, threads=1, dtype="float32", device="cpu"
    ):
        chain = isinstance(self, Sequential)
        own = type(self) if self._traces() else Functional
        self.name = name or automatic_name(Sequential if chain else own)
        self.threads, self.dtype, self.calls = threads, dtype, []
        self._start_training_state()
        self.device = device
        if inputs is not None:
            self._build(_listed(inputs), _listed(outputs))

    @property
    def layers(self) -> list[Layer]:
        return self._all_layers()

    @property
    def input_shape(self):
        shapes = [symbol.shape for symbol in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self):
        shapes = [symbol.shape for symbol in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def input(self):
        return self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)

    @property
    def output(self):
        return self.outputs[0] if len(self.outputs) == 1 else list(self.outputs)

    @property
    def output_names(self) -> list[str]:
        """Names of the layers the outputs come from; a second one of a layer is ``name_1``."""
        layers = [symbol.call.layer for symbol in self.outputs]
        before = [layers[:i].count(layer) for i, layer in enumerate(layers)]
        return [
            f"{layer.name}_{count}" if count else layer.name
            for layer, count in zip(layers, before, strict=True)
        ]

    def __repr__(self) -> str:
        size = f"{self.count_params():,} parameters" if self.built else "not built"
        return f"<{type(self).__name__} {self.name}: {len(self.layers)} layers, {size}>"


class Functional(Model):
    """Only for the name Keras gives functional models: functional, functional_1 ..."""


class Sequential(Model):
    """A chain of layers. Shapes are known as soon as the first layer's input is."""

    def __init__(self, layers=None, name: str | None = None, trainable=True, **options):
        super().__init__(name=name, **options)
        self._stack: list[Layer] = []
        self._begin: InputLayer | None = None
        for layer in layers or ():
            self._push(layer)
        if not trainable:
            self.trainable = False
        self._rebuild()

    @property
    def layers(self) -> list[Layer]:
        return list(self._stack)

    def add(self, layer) -> None:
        """Put a layer at the end."""
        self._push(layer)
        self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away."""
        if not self._stack:
            raise ValueError(f"model {self.name} has no layers")
        layer = self._stack.pop()
        if rebuild and self._stack:
            self._rebuild()
        else:
            self.network = None
        return layer

    def _push(self, layer) -> None:
        if isinstance(layer, Symbol):
            layer = layer.call.layer
        if isinstance(layer, InputLayer):
            if self._begin or self._stack:
                raise ValueError("Input must be the first of a Sequential")
            self._begin = layer
            return
        if not isinstance(layer, Connectable):
            raise TypeError(f"Sequential wants layers, got {type(layer).__name__}")
        if not self._stack and not self._begin:
            shape, size = layer.input_given()
            self._begin = None if shape is None else InputLayer(shape, batch_size=size)
        self._stack.append(layer)

    def build(self, input_shape=None) -> None:
        """Make the weights, for inputs of shape (batch or None, ...)."""
        if input_shape is not None and self._begin is None:
            size, *shape = input_shape
            self._begin = InputLayer(tuple(shape), batch_size=size)
        self._rebuild()

    def _rebuild(self) -> None:
        """The graph anew, keeping the weights there are."""
        if not self._begin or not self._stack:
            return
        kept = {leaf: leaf.get_weights() for leaf in self._leaves_before()}
        symbol = self._begin.output
        for layer in self._stack:
            layer.calls.clear()
            symbol = layer(symbol)
        self._drop_session()
        self._build([self._begin.output], _listed(symbol))
        for leaf, weights in kept.items():
            leaf.set_weights(weights)

    def _leaves_before(self) -> list[Layer]:
        """Leaves of the stack whose weights are in the network so far."""
        if self.network is None:
            return []
        leaves = [leaf for layer in self._stack for leaf in layer.leaves()]
        return [leaf for leaf in leaves if leaf in self._owned and leaf.model is self]


def _listed(symbols) -> list[Symbol]:
    return list(symbols) if isinstance(symbols, (list, tuple)) else [symbols]


__all__ = ["Model", "Sequential", "load_model"]
