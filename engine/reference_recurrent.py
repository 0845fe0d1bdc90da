"""The reference of the recurrent ops: loops over the steps in plain NumPy.

States are (B,H), sequences (B,T,N). Every forward op stands above its backward op. A masked step
leaves the states as they are, so its gradient passes by unchanged.
"""

import numpy as np
from numpy import where

from respnet.engine.reference_activations import ACTIVATIONS

__all__ = [
    "gru_backward",
    "gru_forward",
    "lstm_backward",
    "lstm_forward",
    "simple_rnn_backward",
    "simple_rnn_forward",
]


class _Steps:
    """What the loops share: sizes, optional operands, and the state before each step."""

    def __init__(self, x, recurrent_kernel, h0, mask, recurrent_mask):
        self.rows, self.times = x.shape[:2]
        self.units = len(recurrent_kernel)
        self.h0 = self.zeros() if h0 is None else h0
        self.mask = np.ones((self.rows, self.times, 1)) if mask is None else mask
        self.factor = self.zeros() + 1 if recurrent_mask is None else recurrent_mask

    def zeros(self, *between):
        return np.zeros((self.rows, *between, self.units))

    def before(self, y, start):
        """The states before each step: ``start``, then ``y`` without the last."""
        return np.concatenate([start[:, None], y[:, :-1]], axis=1)

    def back(self, dy, dh):
        """(t, mask of the step, gradient that enters there), from the last step to the first."""
        for t in reversed(range(self.times)):
            into = self.zeros() if dy is None else dy[:, t]
            last = dh is not None and t == self.times - 1
            yield t, self.mask[:, t], into + (dh if last else 0)


def _added(a, b):
    return a if b is None else a + b


def _sums(a, dz):
    """sum over rows and steps of a^T dz"""
    return np.einsum("btn,btg->ng", a, dz)


def simple_rnn_forward(x, kernel, recurrent_kernel, bias, h0, mask, recurrent_mask, *, activation):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    y, h = s.zeros(s.times), s.h0
    for t in range(s.times):
        z = _added(x[:, t] @ kernel + (h * s.factor) @ recurrent_kernel, bias)
        h = where(s.mask[:, t], ACTIVATIONS[activation][0](z), h)
        y[:, t] = h
    return y


def simple_rnn_backward(
    x, kernel, recurrent_kernel, h0, mask, recurrent_mask, y, dy, dh, *, activation
):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    dz, carried = np.zeros_like(y), s.zeros()
    for t, m, into in s.back(dy, dh):
        d = into + carried
        dz[:, t] = m * d * ACTIVATIONS[activation][1](None, y[:, t])
        carried = (1 - m) * d + dz[:, t] @ recurrent_kernel.T * s.factor
    before = s.before(y, s.h0) * s.factor[:, None]
    return dz @ kernel.T, _sums(x, dz), _sums(before, dz), dz.sum(axis=(0, 1)), carried


def lstm_forward(
    x,
    kernel,
    recurrent_kernel,
    bias,
    peephole,
    h0,
    c0,
    mask,
    recurrent_mask,
    *,
    activation,
    recurrent_activation,
):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    act, gate = ACTIVATIONS[activation][0], ACTIVATIONS[recurrent_activation][0]
    p = np.zeros((3, s.units)) if peephole is None else peephole
    y, cells, gates = s.zeros(s.times), s.zeros(s.times), np.zeros((s.rows, s.times, 4 * s.units))
    h, c = s.h0, s.zeros() if c0 is None else c0
    for t in range(s.times):
        z = _added(x[:, t] @ kernel + (h * s.factor) @ recurrent_kernel, bias)
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, g = gate(i + p[0] * c), gate(f + p[1] * c), act(g)
        new = f * c + i * g
        o = gate(o + p[2] * new)
        h, c = where(s.mask[:, t], o * act(new), h), where(s.mask[:, t], new, c)
        y[:, t], cells[:, t], gates[:, t] = h, c, np.concatenate([i, f, g, o], axis=1)
    return y, cells, gates


def lstm_backward(
    x,
    kernel,
    recurrent_kernel,
    peephole,
    h0,
    c0,
    mask,
    recurrent_mask,
    y,
    cells,
    gates,
    dy,
    dh,
    dc,
    *,
    activation,
    recurrent_activation,
):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    (act, slope), (_, gate_slope) = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation]
    p = np.zeros((3, s.units)) if peephole is None else peephole
    c_before = s.before(cells, s.zeros() if c0 is None else c0)
    dz, carried, dc = np.zeros_like(gates), s.zeros(), s.zeros() if dc is None else dc
    for t, m, into in s.back(dy, dh):
        d = into + carried
        i, f, g, o = np.split(gates[:, t], 4, axis=1)
        a = act(cells[:, t])
        do = m * d * a * gate_slope(None, o)
        dnew = m * (dc + d * o * slope(cells[:, t], a)) + do * p[2]
        di = dnew * g * gate_slope(None, i)
        df = dnew * c_before[:, t] * gate_slope(None, f)
        dz[:, t] = np.concatenate([di, df, dnew * i * slope(None, g), do], axis=1)
        dc = (1 - m) * dc + dnew * f + di * p[0] + df * p[1]
        carried = (1 - m) * d + dz[:, t] @ recurrent_kernel.T * s.factor
    di, df, _, do = np.split(dz, 4, axis=2)
    dp = [(di * c_before).sum(axis=(0, 1)), (df * c_before).sum(axis=(0, 1))]
    dp = np.stack([*dp, (do * cells).sum(axis=(0, 1))])
    before = s.before(y, s.h0) * s.factor[:, None]
    dkernels = _sums(x, dz), _sums(before, dz)
    return dz @ kernel.T, *dkernels, dz.sum(axis=(0, 1)), dp, carried, dc


def gru_forward(
    x,
    kernel,
    recurrent_kernel,
    bias,
    recurrent_bias,
    h0,
    mask,
    recurrent_mask,
    *,
    activation,
    recurrent_activation,
    reset_after,
):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    act, gate = ACTIVATIONS[activation][0], ACTIVATIONS[recurrent_activation][0]
    recurrent_bias = np.zeros(3 * s.units) if recurrent_bias is None else recurrent_bias
    H = s.units
    y, gates, h = s.zeros(s.times), np.zeros((s.rows, s.times, 4 * H)), s.h0
    for t in range(s.times):
        zx, into = _added(x[:, t] @ kernel, bias), h * s.factor
        zh = into @ recurrent_kernel[:, : 2 * H] + recurrent_bias[: 2 * H]
        z, r = gate(zx[:, :H] + zh[:, :H]), gate(zx[:, H : 2 * H] + zh[:, H:])
        last, last_bias = recurrent_kernel[:, 2 * H :], recurrent_bias[2 * H :]
        if reset_after:
            fourth = into @ last + last_bias
            candidate = act(zx[:, 2 * H :] + r * fourth)
        else:
            fourth = r * into
            candidate = act(zx[:, 2 * H :] + fourth @ last + last_bias)
        h = where(s.mask[:, t], z * h + (1 - z) * candidate, h)
        y[:, t], gates[:, t] = h, np.concatenate([z, r, candidate, fourth], axis=1)
    return y, gates


def gru_backward(
    x,
    kernel,
    recurrent_kernel,
    h0,
    mask,
    recurrent_mask,
    y,
    gates,
    dy,
    dh,
    *,
    activation,
    recurrent_activation,
    reset_after,
):
    s = _Steps(x, recurrent_kernel, h0, mask, recurrent_mask)
    slope, gate_slope = ACTIVATIONS[activation][1], ACTIVATIONS[recurrent_activation][1]
    H, last = s.units, recurrent_kernel[:, 2 * s.units :]
    before, carried = s.before(y, s.h0), s.zeros()
    dx, dh_side = np.zeros((s.rows, s.times, 3 * H)), np.zeros((s.rows, s.times, 3 * H))
    for t, m, into in s.back(dy, dh):
        d = into + carried
        z, r, candidate, fourth = np.split(gates[:, t], 4, axis=1)
        dz = m * d * (before[:, t] - candidate) * gate_slope(None, z)
        dn = m * d * (1 - z) * slope(None, candidate)
        drh = dn @ last.T
        dr = dn * fourth if reset_after else drh * before[:, t] * s.factor
        dr = dr * gate_slope(None, r)
        dx[:, t] = np.concatenate([dz, dr, dn], axis=1)
        dh_side[:, t] = np.concatenate([dz, dr, dn * r if reset_after else dn], axis=1)
        into = dx[:, t, : 2 * H] @ recurrent_kernel[:, : 2 * H].T
        into = into + ((dn * r) @ last.T if reset_after else drh * r)
        carried = (1 - m) * d + m * d * z + into * s.factor
    before = before * s.factor[:, None]
    dr = _sums(before, dh_side)
    if not reset_after:
        dr[:, 2 * H :] = _sums(gates[:, :, 3 * H :], dx[:, :, 2 * H :])
    sums = dx.sum(axis=(0, 1)), dh_side.sum(axis=(0, 1))
    return dx @ kernel.T, _sums(x, dx), dr, *sums, carried
