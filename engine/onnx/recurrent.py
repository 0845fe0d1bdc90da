"""RNN, GRU and LSTM of ONNX: x (T,B,I) -> y (T,D,B,H) and last states (D,B,H).

Gates: LSTM i, o, f, c; GRU z, r, h. A row stops at its own ``sequence_lens``: what comes later is
0, and its state stays. (Formulas: the operator pages of ONNX.)
"""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.onnx.elementwise import elu, hard_sigmoid, sigmoid, softplus

# name -> (function of x, alpha, beta)
FUNCTIONS = {
    "relu": lambda x, a, b: np.maximum(x, 0),
    "tanh": lambda x, a, b: np.tanh(x),
    "sigmoid": lambda x, a, b: sigmoid(x),
    "affine": lambda x, a, b: (1.0 if a is None else a) * x + (b or 0.0),
    "leakyrelu": lambda x, a, b: np.where(x < 0, (0.01 if a is None else a) * x, x),
    "elu": lambda x, a, b: elu(x, 1.0 if a is None else a),
    "hardsigmoid": lambda x, a, b: hard_sigmoid(
        x, 0.2 if a is None else a, 0.5 if b is None else b
    ),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "softplus": lambda x, a, b: softplus(x),
}
TAKES = {"affine": 2, "leakyrelu": 1, "elu": 1, "hardsigmoid": 2}  # how many of alpha, beta


def functions(call, default: list[str], directions: int) -> list[list]:
    """The activations of each direction, as functions of x."""
    given = call.get("activations")
    names = [n.decode("ascii", "replace") for n in given] if given else default * directions
    if len(names) != len(default) * directions:
        raise ShapeError(f"{len(default) * directions} activations, got {names}")
    alphas, betas = list(call.get("activation_alpha", [])), list(call.get("activation_beta", []))
    made = []
    for name in map(str.lower, names):
        if name not in FUNCTIONS:
            raise ShapeError(f"activation {name!r} is not supported")
        wants = TAKES.get(name, 0)
        alpha = alphas.pop(0) if wants > 0 and alphas else None
        beta = betas.pop(0) if wants > 1 and betas else None
        made.append(lambda x, f=FUNCTIONS[name], a=alpha, b=beta: f(x, a, b).astype(x.dtype))
    return [made[i : i + len(default)] for i in range(0, len(made), len(default))]


def _run(call, kind, x, weights, lengths, states, extra=None):
    """All directions of a layer; ``kind`` gives the default activations and the step."""
    if call.get("layout", 0):
        x = np.swapaxes(x, 0, 1)
        states = [None if s is None else np.swapaxes(s, 0, 1) for s in states]
    w, r, b = weights
    times, rows, units = len(x), x.shape[1], r.shape[-1]
    names = {"forward": [1], "reverse": [-1], "bidirectional": [1, -1]}
    call.only("direction", *names)
    directions = names[call.text("direction", "forward")]
    if len(w) != len(directions) or call.get("hidden_size", units) != units:
        raise ShapeError(f"weights {w.shape} and {r.shape} for {len(directions)} directions")
    call.room((times, len(directions), rows, units), x.dtype)
    call.room((times, rows, w.shape[1]), x.dtype)
    steps = functions(call, kind.activations, len(directions))
    done = []
    for d, direction in enumerate(directions):
        begin = [np.zeros((rows, units), x.dtype) if s is None else s[d] for s in states]
        bias = np.zeros((2, w.shape[1]), x.dtype) if b is None else b[d].reshape(2, -1)
        cell = kind(call, r[d], bias, steps[d], None if extra is None else extra[d])
        product = x @ w[d].T
        done.append(_direction(product, cell, begin, lengths, direction))
    y = np.stack([y for y, _ in done], axis=1)
    last = [np.stack(s) for s in zip(*(states for _, states in done), strict=True)]
    if call.get("layout", 0):
        y, last = np.transpose(y, (2, 0, 1, 3)), [np.swapaxes(s, 0, 1) for s in last]
    return (y, *last)[: max(1, call.outputs)]


def _direction(product, cell, states, lengths, direction):
    """(y (T,B,H), last states); backwards begins at the last step of each row."""
    times, rows = product.shape[:2]
    y = np.zeros((times, rows, states[0].shape[-1]), product.dtype)
    limit = _lengths(lengths, times, rows)
    for t in range(times)[::direction]:
        new = cell.step(product[t], *states)
        runs = (t < limit)[:, None]
        states = [np.where(runs, n, s) for n, s in zip(new, states, strict=True)]
        y[t] = np.where(runs, states[0], 0)
    return y, states


def _lengths(lengths, times: int, rows: int):
    if lengths is None:
        return np.full(rows, times)
    if lengths.shape != (rows,) or lengths.min() < 0 or lengths.max() > times:
        raise ShapeError(f"sequence_lens must be {rows} numbers up to {times}, got {lengths}")
    return lengths


class _Cell:
    """One direction: recurrent weights (G*H,H), biases of x and of h, activations."""

    def __init__(self, call, r, bias, activations, peephole):
        self.r, self.bias, self.f, self.peephole = r, bias, activations, peephole
        self.after = bool(call.get("linear_before_reset", 0))
        for name in ("clip", "input_forget"):
            if call.get(name):
                raise ShapeError(f"{name} is not supported")


class _RNN(_Cell):
    activations = ["tanh"]

    def step(self, x, h):
        return [self.f[0](x + h @ self.r.T + self.bias.sum(axis=0))]


class _GRU(_Cell):
    activations = ["sigmoid", "tanh"]

    def step(self, x, h):
        n = h.shape[-1]
        bx, bh = self.bias
        gates = x[:, : 2 * n] + h @ self.r[: 2 * n].T + (bx + bh)[: 2 * n]
        z, r = np.split(self.f[0](gates), 2, 1)
        last = self.r[2 * n :].T
        if self.after:
            candidate = x[:, 2 * n :] + bx[2 * n :] + r * (h @ last + bh[2 * n :])
        else:
            candidate = x[:, 2 * n :] + (bx + bh)[2 * n :] + (r * h) @ last
        return [z * h + (1 - z) * self.f[1](candidate)]


class _LSTM(_Cell):
    activations = ["sigmoid", "tanh", "tanh"]

    def step(self, x, h, c):
        i, o, f, g = np.split(x + h @ self.r.T + self.bias.sum(axis=0), 4, 1)
        p = self.peephole
        pi, po, pf = np.zeros((3, 1), x.dtype) if p is None else p.reshape(3, -1)
        new = self.f[0](f + pf * c) * c + self.f[0](i + pi * c) * self.f[1](g)
        return [self.f[0](o + po * new) * self.f[2](new), new]


def _rnn(call, x, w, r, b=None, lengths=None, h0=None):
    return _run(call, _RNN, x, (w, r, b), lengths, [h0])


def _gru(call, x, w, r, b=None, lengths=None, h0=None):
    return _run(call, _GRU, x, (w, r, b), lengths, [h0])


def _lstm(call, x, w, r, *others):
    b, lengths, h0, c0, p = (*others, *[None] * 5)[:5]
    return _run(call, _LSTM, x, (w, r, b), lengths, [h0, c0], p)


OPS = {"RNN": _rnn, "GRU": _gru, "LSTM": _lstm}
