"""Recurrent networks one step of time at a time: their states are inputs and outputs.

    stepper = make_stepper(model)
    y = stepper(x, state)     # x (n,I): n steps; state: bytes of all states, changed in place

The network of one step has the parameters of the whole one in the same places, so it runs on the
same weights.
"""

from dataclasses import replace

from respnet.engine.errors import SpecError
from respnet.engine.kernels.stepper import MAX_STATES, Stepper
from respnet.engine.layers import LAYERS
from respnet.engine.layers.recurrent import Recurrent
from respnet.engine.model import Model
from respnet.engine.spec import ModelSpec, Node


def step_spec(spec: ModelSpec) -> ModelSpec:
    """``spec`` for sequences of one step: further inputs are the states of its recurrent layers in
    the order of the nodes, further outputs what becomes of them.
    """
    nodes, before, after = [], [], []
    for node in spec.nodes:
        layer = LAYERS[node.kind]
        if issubclass(layer, Recurrent):
            if node.config.get("go_backwards"):
                raise SpecError(f"layer {node.name!r} goes backwards: it cannot go step by step")
            states = [(f"{node.name}_state_{i}", (node.config["units"],))
                      for i in range(layer.states)]
            before += states
            after += [f"{node.name}:{1 + i}" for i in range(layer.states)]
            node = _with_states(node, [name for name, _ in states])
        nodes.append(node)
    if not 0 < len(before) <= MAX_STATES:
        raise SpecError(f"step by step go networks of 1 to {MAX_STATES} states (an LSTM layer has "
                        f"2), this one has {len(before)}")
    (name, shape), = spec.inputs
    inputs = ((name, (1, *shape[1:])), *before)
    return replace(spec, nodes=nodes, inputs=inputs, outputs=(*spec.outputs, *after))


def _with_states(node: Node, states: list[str]) -> Node:
    config = {**node.config, "return_state": True}
    return replace(node, inputs=(*node.inputs, *states), config=config)


def make_stepper(model: Model) -> Stepper:
    """A Stepper with the present weights of ``model``."""
    stepped = Model(step_spec(model.spec), vector=model.weights)
    return Stepper(stepped.runner())
