"""TimeDistributed: any layer at each step of a sequence, steps being rows to it."""

from collections.abc import Mapping

from respnet.engine.errors import SpecError
from respnet.engine.layers.base import Layer


class TimeDistributed(Layer):
    """x (B,T,...) -> y (B,T,...): ``layer`` on the B*T rows (...)

    layer: {"kind": ..., "config": {...}}. Its parameters are those of this layer.
    """

    kind = "time_distributed"
    keeps_time = True
    inputs = None
    defaults = {"layer": None}

    def check(self):
        from respnet.engine.layers import make  # which knows this layer too

        inner = self.config["layer"]
        if not isinstance(inner, Mapping) or set(inner) != {"kind", "config"}:
            raise SpecError(f"time_distributed layer must be its kind and config, got {inner!r}")
        self.inner = make(inner["kind"], inner["config"], self.name)

    def _of_steps(self, shapes):
        if not all(shapes) or len({shape[0] for shape in shapes}) != 1:
            raise SpecError(
                f"time_distributed wants sequences of one length, shape (T, ...), got {shapes}"
            )
        return [shape[1:] for shape in shapes]

    def parameters(self, *shapes):
        return self.inner.parameters(*self._of_steps(shapes))

    def output_shape(self, *shapes):
        result = self.inner.output_shape(*self._of_steps(shapes))
        times = shapes[0][0]
        if isinstance(result, list):
            return [(times, *shape) for shape in result]
        return (times, *result)

    def forward(self, b, p, *xs):
        times = xs[0].shape[0]
        inputs = [_as_rows(b, x) for x in xs]
        with b.each_of(times):
            results, saved = self.inner.forward(b, p, *inputs)
            several = isinstance(results, tuple)
            outputs = list(results) if several else [results]
            b.pass_mask(self.inner, inputs[0], outputs[0])
        ys = tuple(_as_steps(b, output, times) for output in outputs)
        return (ys if several else ys[0]), (times, saved)

    def backward(self, b, p, saved, dy, wanted):
        times, saved = saved
        dys = [d if d is None else _as_rows(b, d) for d in (dy if isinstance(dy, list) else [dy])]
        with b.each_of(times):
            dxs = self.inner.backward(b, p, saved, dys if isinstance(dy, list) else dys[0], wanted)
        return [dx if dx is None else _as_steps(b, dx, times) for dx in dxs]


def _as_rows(b, x):
    """x (B,T,...) as B*T rows (...)"""
    with b.each_of(x.shape[0]):
        y = b.buffer(x.shape[1:])
    b.step("copy", x, y)
    if x in b.inner_masks:
        b.masks[y] = b.inner_masks[x]
    return y


def _as_steps(b, y, times):
    """B*T rows (...) as (B,T,...)"""
    x = b.buffer((times, *y.shape))
    b.step("copy", y, x)
    if y in b.masks:
        b.inner_masks[x] = b.masks[y]
    return x
