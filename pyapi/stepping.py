"""Step by step: what comes next is asked for one step of time after another."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.model import Model as Network
from respnet.engine.stepping import step_spec


class Stepper:
    """Runs a recurrent model on one step of time at each call; made by ``model.stepper(rows)``.

    It has states of its own, stateful layers or not; they begin with zeros and go on from call to
    call. It answers with the weights the model had when it was made, and allocates nothing between
    two calls.
    """

    def __init__(self, model, rows: int = 1):
        network = model.network
        if not model.states:
            if len(model.inputs) > 1:
                raise ValueError(
                    f"model {model.name} has several inputs: to go step by step, its recurrent "
                    "layers must be stateful"
                )
            network = Network(step_spec(model.spec), vector=network.weights)
        shapes = [(rows, *(size or 1 for size in shape)) for _, shape in network.spec.inputs]
        arrays = [np.zeros(shape, network.dtype) for shape in shapes]
        self._run = network.bind(*arrays)
        given, answered = len(model.inputs), len(model.outputs)
        self._inputs, self._states = arrays[:given], arrays[given:]
        self._outputs, self._next = self._run.outputs[:answered], self._run.outputs[answered:]

    def __call__(self, *inputs):
        """x (B,...), with one step where the model leaves a length open -> its output y (B,...).

        One array an input; anything that fits these shapes by NumPy's rules. y is written over by
        the next call; a list if there are several.
        """
        if len(inputs) != len(self._inputs):
            raise ShapeError(f"the model has {len(self._inputs)} inputs, got {len(inputs)}")
        for place, array in zip(self._inputs, inputs, strict=True):
            place[...] = array
        self._run()
        for state, value in zip(self._states, self._next, strict=True):
            state[...] = value
        return self._outputs[0] if len(self._outputs) == 1 else self._outputs

    def reset(self) -> None:
        """Begin again: all states zero."""
        for state in self._states:
            state[...] = 0


__all__ = ["Stepper"]
