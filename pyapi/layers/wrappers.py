"""Layers around layers: TimeDistributed and Bidirectional."""

from respnet.engine.spec import Node

from ..arguments import unknown
from ..connecting import Connectable, Expansion
from .base import REQUIRED, Layer
from .recurrent import Remembering

# Kinds that work along the last axis whatever comes before it.
_LAST_AXIS = ("dense", "activation", "dropout")


class TimeDistributed(Layer):
    """A layer, or a model, at each step of a sequence: x (B,T,...) -> y (B,T,...)"""

    arguments = {"layer": REQUIRED}

    def check(self) -> None:
        if not isinstance(self.layer, Connectable):
            raise TypeError(f"TimeDistributed wants a layer, got {type(self.layer).__name__}")
        if any(getattr(leaf, "stateful", False) for leaf in self.layer.leaves()):
            raise ValueError(f"TimeDistributed: {self.layer.name} is stateful; its steps are rows")

    def leaves(self) -> list:
        return self.layer.leaves()

    def prepare(self, shapes) -> None:
        if not all(shapes):
            raise ValueError(f"layer {self.name} wants sequences of shape (T, ...), got {shapes}")
        self.layer.prepare([shape[1:] for shape in shapes])

    def expand(self, name, inputs):
        made = self.layer.expand(name, inputs)
        parts = [(leaf, [_at_each_step(node) for node in nodes]) for leaf, nodes in made.parts]
        return Expansion(parts, made.outputs)


def _at_each_step(node: Node) -> Node:
    if node.kind in _LAST_AXIS and not node.config.get("noise_shape"):
        return node
    layer = {"kind": node.kind, "config": dict(node.config)}
    return Node(node.name, "time_distributed", node.inputs, {"layer": layer})


# merge_mode -> (kind, config) of the engine's layer
_MERGES = {
    "concat": ("concatenate", {}),
    "sum": ("add", {}),
    "mul": ("multiply", {}),
    "ave": ("average", {}),
}


class Bidirectional(Remembering):
    """A recurrent layer there, another back; both outputs joined step by step.

    merge_mode None gives both. States and weights: the forward layer's, then the backward one's.
    As in Keras the layers are copies of the one given.
    """

    arguments = {"layer": REQUIRED, "merge_mode": "concat", "backward_layer": None}

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **options):
        super().__init__(layer, merge_mode, backward_layer, **options)
        self.weights_given = weights
        if self.input_shape_given is None:
            self.input_shape_given, self.batch_size = layer.input_shape_given, layer.batch_size

    def check(self) -> None:
        for layer in (self.layer, self.backward_layer or self.layer):
            if not isinstance(layer, Remembering) or isinstance(layer, Bidirectional):
                raise TypeError(f"Bidirectional wants a recurrent layer, got {layer!r}")
        if self.merge_mode is not None and self.merge_mode not in _MERGES:
            raise ValueError(unknown("merge_mode", self.merge_mode, _MERGES))
        turned = {"go_backwards": not self.layer.go_backwards}
        self.forward_layer = _copy(self.layer, "forward")
        self.backward_layer = _copy(
            self.backward_layer or self.layer, "backward", {} if self.backward_layer else turned
        )
        self._check_both(self.forward_layer, self.backward_layer)

    def _check_both(self, there, back) -> None:
        if there.go_backwards == back.go_backwards:
            raise ValueError(f"{self.name}: one of both layers must have go_backwards")
        for name in ("return_sequences", "return_state", "stateful"):
            if getattr(there, name) != getattr(back, name):
                raise ValueError(f"{self.name}: {name} of both layers must be equal")
            setattr(self, name, getattr(there, name))

    def leaves(self) -> list:
        return [*self.forward_layer.leaves(), *self.backward_layer.leaves()]

    def widths(self) -> list[int]:
        return [*self.forward_layer.widths(), *self.backward_layer.widths()]

    def steps(self, name, inputs, **flags):
        if flags:
            raise TypeError(f"{self.name} is no layer for another wrapper")
        x, *given = inputs
        half = len(self.forward_layer.widths())
        there = self.forward_layer.steps(f"{name}_forward", [x, *given[:half]])
        back = self.backward_layer.steps(f"{name}_backward", [x, *given[half:]])
        y, turned, glue = there.outputs[0], back.outputs[0], []
        if self.return_sequences:
            glue.append(Node(f"{name}_turned", "reverse_time", [turned]))
            turned = glue[0].name
        outputs = [y, turned]
        if self.merge_mode is not None:
            kind, config = _MERGES[self.merge_mode]
            glue.append(Node(name, kind, outputs, config))
            outputs = [name]
        states = [*there.states, *back.states]
        shown = states if self.return_state else []
        parts = [*there.parts, *back.parts, (self, glue)]
        return Expansion(parts, [*outputs, *shown], states)


def _copy(layer: Layer, prefix: str, changes=None) -> Layer:
    """A layer with the same arguments, ``changes`` apart."""
    from ..saving import describe_layer, restore_layer  # it knows all layers, these too

    about = describe_layer(layer)
    name = about["name"]
    about["name"] = name if name.startswith(prefix) else f"{prefix}_{name}"
    about["config"].update(changes or {})
    return restore_layer(about)


__all__ = ["Bidirectional", "TimeDistributed"]
