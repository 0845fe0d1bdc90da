"""Loss and metrics of a pass over rows, as the numbers in logs and History.

One metric that the engine's kernels know is computed by them; any others from the outputs, in
NumPy.
"""

import numpy as np

from respnet.engine.losses import loss_named

from . import activations, metrics

# class of a metric, what the kernels report beside a loss -> their number as the metric
_KERNEL = {
    (metrics.CategoricalAccuracy, "class_error"): lambda error: 1 - error,
    (metrics.SparseCategoricalAccuracy, "sparse_class_error"): lambda error: 1 - error,
    (metrics.BinaryAccuracy, "binary_error"): lambda error: 1 - error,
    (metrics.BinaryAccuracy, "logit_error"): lambda error: 1 - error,
    (metrics.MeanAbsoluteError, "absolute_error"): lambda error: error,
}


class Scores:
    """The metrics a model was compiled with; ``watch`` is what a training must compute for them."""

    def __init__(self, network, wanted, weighted=()):
        self.loss_name = network.spec.loss
        loss = loss_named(self.loss_name)
        self._outputs = network.layout.shapes[network.spec.outputs[0]][-1]
        self._columns = loss.columns or self._outputs
        self._activation = loss.fuses
        self.metrics = [self._resolve(metric) for metric in wanted]
        self.weighted = [self._resolve(metric) for metric in weighted]
        self._kernel = self._by_kernel(loss.metric)
        self.reset()

    def _resolve(self, wanted) -> metrics.Metric:
        if isinstance(wanted, str) and wanted.lower() in ("accuracy", "acc"):
            made = metrics.accuracy_for(self._outputs, self._columns)()
        else:
            made = metrics.get(wanted)
        if isinstance(wanted, str):
            made.name = wanted
        return made

    def _by_kernel(self, reported: str):
        if len(self.metrics) != 1 or self.weighted:
            return None
        metric = self.metrics[0]
        if getattr(metric, "threshold", 0.5) != 0.5:
            return None
        return _KERNEL.get((type(metric), reported))

    @property
    def watch(self) -> tuple[str, ...]:
        if not self.metrics and not self.weighted:
            return ()
        return ("metric",) if self._kernel else ("outputs",)

    @property
    def names(self) -> list[str]:
        return ["loss", *(metric.name for metric in (*self.metrics, *self.weighted))]

    def reset(self) -> None:
        self._rows, self._loss, self._metric = 0, 0.0, 0.0
        for metric in (*self.metrics, *self.weighted):
            metric.reset_state()

    def add(self, loss: float, metric: float, rows: int) -> None:
        """Means over ``rows`` rows, as a session reports them."""
        self._rows += rows
        self._loss += loss * rows
        self._metric += metric * rows

    def add_outputs(self, y, outputs: np.ndarray, weights=None, logits: bool = False) -> None:
        """Targets and outputs (B,...) of a batch."""
        if logits and self._activation:
            outputs = activations.get(self._activation)(outputs)
        shape = (*outputs.shape[:-1], self._columns)
        y = np.asarray(y).reshape(shape)
        for metric in self.metrics:
            metric.update_state(y, outputs)
        for metric in self.weighted:
            metric.update_state(y, outputs, weights)

    def logs(self, prefix: str = "") -> dict[str, float]:
        """name -> value so far."""
        rows = max(1, self._rows)
        logs = {f"{prefix}loss": self._loss / rows}
        if self._kernel:
            logs[prefix + self.metrics[0].name] = self._kernel(self._metric / rows)
            return logs
        for metric in (*self.metrics, *self.weighted):
            logs[prefix + metric.name] = float(metric.result())
        return logs
