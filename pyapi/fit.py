"""fit, evaluate, predict and the methods for one batch, by the words of Keras."""

import numpy as np

from .arguments import bind, signed
from .callbacks.base import CallbackList
from .compiling import Compiled
from .fed import Fed, refuse_lengths
from .feeding import Arrays, Stream, as_inputs, first_of, is_stream
from .gradients import Differentiable
from .loop import COMPILE, EVALUATE, FIT, Fitting, Pass
from .scores import Scores


class Trainable(Compiled, Fed, Differentiable):
    """What a model can learn and answer."""

    # --- fit --------------------------------------------------------------------------------

    @signed(FIT, "self", "x", "y")
    def fit(self, x=None, y=None, *values, **options):
        """Train; returns the History. Words and defaults are those of Keras.

        validation_split takes the last rows, before shuffling. RPROP takes all rows as one batch.
        An uncompiled model takes optimizer, loss and metrics here too. lengths (B,): of each row of
        a sequence; what lies beyond is masked in the first input, and so in losses and metrics.
        """
        chosen = {name: options.pop(name) for name in COMPILE if name in options}
        plan = bind("fit", FIT, values, options)
        if chosen or self.optimizer is None:
            self.compile(**{"loss": self._usual_loss(y), **chosen})
        if is_stream(x) and y is None:
            refuse_lengths(plan["lengths"])
            data = Stream(x, plan["steps_per_epoch"], bool(plan["shuffle"]))
            self._ready(data.first_inputs())
            validation = self._validation(plan)
        else:
            self._ready(x)
            data, validation = self._split(x, y, plan)
        running = self._pass(plan, validation, data)
        callbacks = CallbackList(self, plan["callbacks"], plan["verbose"], running, data)
        Fitting(self, data, running, callbacks).run()
        return self.history

    def _usual_loss(self, y):
        """The loss that goes with the last activation and the targets."""
        if self._wanted and self._wanted["loss"] is not None:
            return self._wanted["loss"]
        if self.built and len(self.outputs) > 1:
            raise ValueError(f"model {self.name} has several outputs; compile it with their losses")
        activation = getattr(self.layers[-1], "activation", "linear")
        if activation == "softmax":
            one_hot = np.ndim(y) > 1 and np.shape(y)[-1] > 1
            return "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
        return "binary_crossentropy" if activation == "sigmoid" else "mse"

    def _split(self, x, y, plan: dict):
        """(rows to train on, rows to validate on or None)."""
        data = self.arrays(x, y, plan["sample_weight"], plan["class_weight"], plan["lengths"])
        if plan["validation_data"] is not None:
            return data, self._validation(plan)
        part = plan["validation_split"]
        if not 0 <= part < 1:
            raise ValueError(f"validation_split must be in [0, 1), got {part!r}")
        if not part:
            return data, None
        at = int(np.floor(data.rows * (1 - part)))
        if not 0 < at < data.rows:
            raise ValueError(f"validation_split {part} of {data.rows} rows leaves nothing to use")
        return data.part(slice(None, at)), data.part(slice(at, None))

    def _validation(self, plan: dict):
        return self.validation_rows(plan["validation_data"], plan["validation_steps"])

    def _pass(self, plan: dict, validation, data) -> Pass:
        size = plan["batch_size"]
        if self.optimizer.full_batch:
            if size is not None or isinstance(data, Stream):
                raise ValueError(f"{self.optimizer.name} works on all rows; leave out batch_size")
            size = data.rows
        size = 32 if size is None else size
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"batch_size must be a positive integer, got {size!r}")
        names = ("epochs", "initial_epoch", "validation_steps", "validation_freq", "class_weight")
        chosen = {name: plan[name] for name in names}
        return Pass(
            batch_size=int(size),
            shuffle=bool(plan["shuffle"]),
            steps=plan["steps_per_epoch"],
            validation=validation,
            validation_batch_size=plan["validation_batch_size"] or int(size),
            **chosen,
        )

    # --- one batch --------------------------------------------------------------------------

    def train_rows(self, data: Arrays) -> None:
        """One step on these rows; adds to the scores."""
        feed = self.feed(data)
        self.set_rate()
        report = self.session.train(feed, np.arange(data.rows), data.rows)
        self.trained(1)
        self.scores.add(report, data.rows)
        self.note_written(self.scores, data)

    def note_written(self, scores: Scores, data: Arrays) -> None:
        """States, and scores of outputs, of what the session wrote for these rows."""
        if not self.states and scores.watch != ("outputs",):
            return
        written = self.session.outputs()
        if self.states:
            self.states.keep([written[name] for name in self.states.sources])
        scores.add_outputs(data.y, written, data.weights)

    def train_on_batch(
        self, x, y=None, sample_weight=None, class_weight=None, return_dict=False, lengths=None
    ):
        """One step on this batch; loss, or [loss, metrics...], of the weights before it."""
        self._ready(x)
        self.scores.reset()
        self.train_rows(self.arrays(x, y, sample_weight, class_weight, lengths))
        return _scalars(self.scores.logs(), return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False, lengths=None):
        """Loss and metrics of this batch; nothing is learnt."""
        self._ready(x)
        rows = self.arrays(x, y, sample_weight, lengths=lengths)
        return _scalars(self.judge(rows), return_dict)

    def predict_on_batch(self, x):
        return self.predict(x)

    # --- evaluate and predict ---------------------------------------------------------------

    @signed(EVALUATE, "self", "x", "y")
    def evaluate(self, x=None, y=None, *values, **options):
        """Loss, or [loss, metrics...], or a dict of them, over all rows; lengths as in ``fit``."""
        plan = bind("evaluate", EVALUATE, values, options)
        self._ready(None if is_stream(x) and y is None else x)
        data = self.rows_or_stream(x, y, plan["sample_weight"], plan["lengths"], plan["steps"])
        listeners = CallbackList(self, plan["callbacks"], 0, None, data, fitting=False)
        return _scalars(self.judge(data, plan["batch_size"], listeners), plan["return_dict"])

    def judge(self, data, batch_size=None, listeners=None) -> dict[str, float]:
        """Loss and metrics of rows or of a stream, with the present weights.

        batch_size matters to stateful models, to callbacks that look at each batch, to losses that
        are sums, and where places of outputs may be masked: a loss is the mean over its batch's.
        """
        scores = self._fresh_scores()
        listeners = listeners or CallbackList(self, None, 0, None, data, fitting=False)
        listeners.on_test_begin()
        if isinstance(data, Arrays):
            small = self.by_batches or listeners.wants_test_batches
            small = small or self.session.counts(data.inputs)
            batches = data.cut((batch_size or 32) if small else data.rows)
        else:
            batches = (self.arrays(x, y, weights) for x, y, weights in data.epoch())
        for number, batch in enumerate(batches):
            listeners.on_test_batch_begin(number)
            self._judge_rows(scores, batch)
            if listeners.wants_test_batches:
                listeners.on_test_batch_end(number, scores.logs())
        listeners.on_test_end(scores.logs())
        return scores.logs()

    @property
    def by_batches(self) -> bool:
        """Whether numbers of rows depend on the batches they are in."""
        return bool(self.states) or any(loss and loss.reduction == "sum" for loss in self.losses)

    def _judge_rows(self, scores: Scores, data: Arrays) -> None:
        report = self.session.evaluate(self.feed(data))
        scores.add(report, data.rows, self.penalty())
        self.note_written(scores, data)

    def _answer(self, inputs: list[np.ndarray]):
        """Outputs for inputs in order: an array, or a list of several; states go on."""
        self.sync()
        if not self.states:
            return self.network.predict(inputs if len(inputs) > 1 else inputs[0])
        results = self.network.predict([*inputs, *self.states.values(len(inputs[0]))])
        count = len(self.outputs)
        self.states.keep(results[count:])
        return results[:count] if count > 1 else results[0]

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None, lengths=None):
        """Outputs for rows x, or for the batches of a stream: an array, or a list of several.

        lengths: of each row of a sequence; further steps are masked.
        """
        if lengths is not None:
            return self._predict_lengths(x, lengths, batch_size=batch_size, callbacks=callbacks)
        if is_stream(x):
            batches = (batch for batch, _, _ in Stream(x, steps).epoch())
            return self._predict_batches(batches, callbacks)
        if not self.built:
            self.build(self.shapes_of(x if self._traces() else first_of(x)))
        inputs = as_inputs(x, self.input_names)
        size = batch_size or (32 if callbacks else len(inputs[0]))
        if not callbacks and (not self.states or size >= len(inputs[0])):
            return self._answer(inputs)
        cuts = range(0, len(inputs[0]), size)
        return self._predict_batches(([a[i : i + size] for a in inputs] for i in cuts), callbacks)

    def _predict_batches(self, batches, callbacks):
        listeners = CallbackList(self, callbacks, 0, None, None, fitting=False)
        listeners.on_predict_begin()
        parts = []
        for number, batch in enumerate(batches):
            listeners.on_predict_batch_begin(number)
            parts.append(self.predict(batch))
            listeners.on_predict_batch_end(number, {"outputs": parts[-1]})
        listeners.on_predict_end()
        if isinstance(parts[0], list):
            return [np.concatenate(each) for each in zip(*parts, strict=True)]
        return np.concatenate(parts)

    def reset_states(self) -> None:
        """Let stateful layers begin again with zeros."""
        self.states.reset()

    reset_state = reset_states

    def stepper(self, rows: int = 1):
        """Ask for one step of time after another, quickly: see ``Stepper``."""
        from .stepping import Stepper

        self._need_built()
        self.sync()
        return Stepper(self, rows)


def _scalars(logs: dict, return_dict: bool):
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
