"""Loss and metrics of a pass over rows, as the numbers in logs and History.

Where each output has at most one metric, and the engine's kernels know it, they compute it; any
others are made from the outputs, in NumPy.
"""

import numpy as np

from respnet.engine.losses import loss_named

from . import metrics

# class of a metric, what the kernels report beside a loss -> their number as the metric
_KERNEL = {
    (metrics.CategoricalAccuracy, "class_error"): lambda error: 1 - error,
    (metrics.SparseCategoricalAccuracy, "sparse_class_error"): lambda error: 1 - error,
    (metrics.BinaryAccuracy, "binary_error"): lambda error: 1 - error,
    (metrics.MeanAbsoluteError, "absolute_error"): lambda error: error,
}


class OutputScores:
    """One output and its metrics. term: its loss (LossTerm) or None; prefix: of its numbers."""

    def __init__(self, name: str, prefix: str, units: int, term, wanted, weighted):
        self.name, self.prefix, self.term = name, prefix, term
        self._units = units
        self._loss = term and loss_named(term.loss)
        self.columns = (self._loss.columns if term else None) or units
        self.metrics = [self._resolve(metric) for metric in wanted]
        self.weighted = [self._resolve(metric) for metric in weighted]
        self.kernel = self._by_kernel()

    def _resolve(self, wanted) -> metrics.Metric:
        if isinstance(wanted, str) and wanted.lower() in ("accuracy", "acc"):
            if self.term is None:
                raise ValueError(
                    f"output {self.name} has no loss to tell the kind of accuracy by; name it: "
                    "categorical_accuracy, sparse_categorical_accuracy or binary_accuracy"
                )
            made = metrics.accuracy_for(self._units, self.columns)()
        else:
            made = metrics.get(wanted)
        if isinstance(wanted, str):
            made.name = wanted
        return made

    def _by_kernel(self):
        """What makes the metric of the kernels' number; None if they do not know it."""
        if len(self.metrics) != 1 or self.weighted or self.term is None:
            return None
        metric = self.metrics[0]
        changed = self.term.options.get("ignore_class") is not None
        if changed or getattr(metric, "threshold", 0.5) != 0.5:
            return None
        return _KERNEL.get((type(metric), self._loss.metric))

    @property
    def watched(self) -> bool:
        """Whether it takes the outputs themselves."""
        return bool(self.metrics or self.weighted) and not self.kernel

    def named(self) -> list[tuple[str, metrics.Metric]]:
        """Metrics by their names in logs."""
        taken = {metric.name for metric in self.metrics}
        own = [(metric.name, metric) for metric in self.metrics]
        own += [
            (f"weighted_{metric.name}" if metric.name in taken else metric.name, metric)
            for metric in self.weighted
        ]
        return [(self.prefix + name, metric) for name, metric in own]

    def reset(self) -> None:
        self.loss, self.error, self.count = 0.0, 0.0, 0.0
        for metric in (*self.metrics, *self.weighted):
            metric.reset_state()

    def add_term(self, term, rows: int) -> None:
        self.loss += term.loss * rows
        self.error += term.metric * term.count
        self.count += term.count

    def add_outputs(self, y, outputs: np.ndarray, weights, mask) -> None:
        """Targets and outputs (B,...) of a batch; weights of rows or places, mask of places."""
        if y is None:
            raise ValueError(f"output {self.name} has metrics but no targets")
        y = np.asarray(y).reshape(*outputs.shape[:-1], self.columns)
        places = None if mask is None else mask.reshape(outputs.shape[:-1])
        for metric in self.metrics:
            metric.update_state(y, outputs, places)
        if self.weighted:
            both = _times(weights, places)
            for metric in self.weighted:
                metric.update_state(y, outputs, both)


def _times(weights, places):
    """Weights of places where the mask lets them count."""
    if weights is None or places is None:
        return weights if places is None else places
    weights = np.asarray(weights)
    return weights.reshape(*weights.shape, *(1,) * (places.ndim - weights.ndim)) * places


class Scores:
    """The metrics a model was compiled with; ``watch`` is what a training must compute for them."""

    def __init__(self, outputs: list[OutputScores]):
        self.outputs = outputs
        self._terms = [output for output in outputs if output.term is not None]
        self._apart = len(self._terms) > 1
        self._watched = any(output.watched for output in outputs)
        self.reset()

    @property
    def watch(self) -> tuple[str, ...]:
        if self._watched:
            return ("outputs",)
        return ("metric",) if any(output.kernel for output in self.outputs) else ()

    @property
    def names(self) -> list[str]:
        return list(self.logs())

    def reset(self) -> None:
        self._rows, self._loss = 0, 0.0
        for output in self.outputs:
            output.reset()

    def add(self, report, rows: int, penalty: float = 0.0) -> None:
        """A Report of the session: means over ``rows`` rows."""
        self._rows += rows
        self._loss += (report.loss + penalty) * rows
        for output, term in zip(self._terms, report.terms, strict=True):
            output.add_term(term, rows)

    def add_outputs(self, targets, written: dict, weights=None) -> None:
        """Of a batch the targets of each output, what the session wrote, and weights or None."""
        if not self._watched:
            return
        for i, output in enumerate(self.outputs):
            if output.metrics or output.weighted:
                weight = None if weights is None else weights[i]
                mask = written.get(f"{output.name}/mask")
                output.add_outputs(targets[i], written[output.name], weight, mask)

    def logs(self) -> dict[str, float]:
        """name -> value so far."""
        rows = max(1, self._rows)
        logs = {"loss": self._loss / rows}
        if self._apart:
            logs |= {f"{o.prefix}loss": o.loss / rows for o in self._terms}
        for output in self.outputs:
            for name, metric in output.named():
                logs[name] = self._value(output, metric)
        return logs

    def _value(self, output: OutputScores, metric) -> float:
        if self._watched or not output.kernel:
            return float(metric.result())
        return output.kernel(output.error / output.count) if output.count else 0.0
