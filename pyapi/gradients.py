"""A training loop of one's own: loss and gradients of a batch, and steps on gradients.

loss, gradients = model.loss_and_gradients(x, y)
optimizer.apply_gradients(zip(gradients, model.trainable_weights))
"""

import numpy as np

from .arguments import unknown
from .variables import Variable


class Differentiable:
    """Part of a model that is compiled."""

    def variables_of(self, leaf, trainable: bool) -> list[Variable]:
        """The weights of one layer that training changes, or leaves as they are."""
        layout, found = self._need_built().layout, []
        made = {variable.name: variable for variable in leaf.variables}
        for path in self.parameter_names(leaf):
            place, name = layout.places[path], path.rpartition("/")[2]
            if (place.offset < layout.trainable) is trainable:
                about = {"trainable": trainable, "path": path}
                found.append(made.get(name) or Variable(leaf, name, place.shape, **about))
        return found

    def _variables(self, trainable: bool) -> list[Variable]:
        return [v for leaf in self.leaves() for v in self.variables_of(leaf, trainable)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """What training changes, in the order of ``get_weights``."""
        return self._variables(True)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """What training leaves as it is."""
        return self._variables(False)

    trainable_variables = trainable_weights

    def loss_and_gradients(
        self, x, y, sample_weight=None, lengths=None
    ) -> tuple[float, list[np.ndarray]]:
        """Loss of this batch, and its gradient for each of ``trainable_weights``.

        Regularizers are part of both. Dropout draws as in the step that would follow. Nothing is
        learnt: ``apply_gradients`` then does what train_on_batch would have done, to the bit.
        """
        self._ready(x)
        if self.states:
            raise ValueError(f"model {self.name} is stateful; train it with train_on_batch")
        feed = self.feed(self.arrays(x, y, sample_weight, lengths=lengths))
        loss, vector = self.session.step_gradient(feed)
        view = self.network.layout.view
        return loss, [np.array(view(vector, v.path)) for v in self.trainable_weights]

    def apply_gradients(self, gradients) -> None:
        """One step of the optimizer; gradients in the order of ``trainable_weights``.

        Clipping is part of the step. RPROP compares the losses of ``loss_and_gradients``.
        """
        variables, gradients = self.trainable_weights, list(gradients)
        if len(gradients) != len(variables):
            raise ValueError(
                f"model {self.name} wants {len(variables)} gradients, got {len(gradients)}"
            )
        layout = self.network.layout
        vector = np.zeros(layout.trainable, self.network.dtype)
        for variable, gradient in zip(variables, gradients, strict=True):
            if np.shape(gradient) != variable.shape:
                raise ValueError(
                    f"{variable.path} has shape {variable.shape}, its gradient {np.shape(gradient)}"
                )
            layout.view(vector, variable.path)[...] = gradient
        if self.optimizer is None:
            raise ValueError(f"model {self.name} must be compiled before it is trained or judged")
        self.set_rate()
        self.session.apply(vector)
        self.trained(1)


def apply_pairs(optimizer, pairs) -> None:
    """Keras' spelling: pairs of (gradient, variable), all of one model."""
    pairs = list(pairs)
    if not pairs or not all(isinstance(variable, Variable) for _, variable in pairs):
        raise TypeError("apply_gradients wants pairs of (gradient, one of model.trainable_weights)")
    model = pairs[0][1].model
    if model.optimizer is not optimizer:
        raise ValueError(
            f"model {model.name} is not compiled with this {type(optimizer).__name__}; "
            "compile(optimizer=...) it first"
        )
    given = {variable.path: gradient for gradient, variable in pairs}
    wanted = [variable.path for variable in model.trainable_weights]
    for path in given:
        if path not in wanted:
            raise ValueError(unknown("weight", path, wanted))
    missing = [path for path in wanted if path not in given]
    if missing:
        raise ValueError(f"a step changes all weights at once; {missing[0]} has no gradient")
    model.apply_gradients([given[path] for path in wanted])
